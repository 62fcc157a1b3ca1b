CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE sale (id INTEGER PRIMARY KEY, product INTEGER REFERENCES product, day TEXT NOT NULL, amount INTEGER NOT NULL);
INSERT INTO product VALUES (1, 'green tea', 4.5, 120), (2, 'black tea', 3.9, 80), (3, 'teapot', 24.0, 6);
INSERT INTO sale (product, day, amount) VALUES
  (1, '2026-11-18', 3), (2, '2026-11-18', 1), (1, '2026-11-19', 5), (3, '2026-11-20', 1), (2, '2026-11-21', 4);
