"use strict";
// Searches, opens and points. It reads the text of the page and never makes markup or code of it.
(() => {
  const field = document.getElementById("find");
  const status = document.getElementById("found");
  const opener = document.getElementById("open");
  const most = 5000;
  let found = [];
  let now = -1;

  const texts = (block) => {
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    const nodes = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      // an inner block of text is searched by itself
      if (node.parentElement.closest(".t") === block) nodes.push(node);
    }
    return nodes;
  };

  const folded = (text) => {
    const lower = text.toLowerCase();
    return lower.length === text.length ? lower : text;
  };

  const search = (words) => {
    found = [];
    now = -1;
    const wanted = folded(words);
    for (const block of wanted ? document.querySelectorAll("main .t") : []) {
      const nodes = texts(block);
      const ends = [];
      let whole = "";
      for (const node of nodes) ends.push((whole += node.data).length);
      whole = folded(whole);
      for (let at = whole.indexOf(wanted); at >= 0 && found.length < most; at = whole.indexOf(wanted, at + wanted.length)) {
        found.push(rangeOf(nodes, ends, at, at + wanted.length));
      }
    }
    if (window.CSS && CSS.highlights) CSS.highlights.set("found", new Highlight(...found));
    say();
  };

  const rangeOf = (nodes, ends, start, end) => {
    const range = document.createRange();
    const first = ends.findIndex((here) => start < here);
    const last = ends.findIndex((here) => end <= here);
    range.setStart(nodes[first], start - (ends[first] - nodes[first].data.length));
    range.setEnd(nodes[last], end - (ends[last] - nodes[last].data.length));
    return range;
  };

  const say = () => {
    const count = found.length >= most ? `${most}+` : `${found.length}`;
    status.textContent = field.value ? (now < 0 ? `${count} found` : `${now + 1} of ${count}`) : "";
  };

  const bring = (range) => {
    for (let box = range.startContainer.parentElement; box; box = box.parentElement) {
      if (box.scrollHeight > box.clientHeight + 1 && getComputedStyle(box).overflowY === "auto") {
        box.scrollTop += range.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2;
      }
    }
    scrollBy(0, range.getBoundingClientRect().top - innerHeight / 2);
  };

  const go = (step) => {
    if (!found.length) return;
    now = (now + step + found.length) % found.length;
    const range = found[now];
    for (let inside = range.startContainer.parentElement.closest("details"); inside; inside = inside.parentElement.closest("details")) {
      inside.open = true;
    }
    bring(range);
    if (window.CSS && CSS.highlights) CSS.highlights.set("now", new Highlight(range));
    say();
  };

  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => search(field.value), 120);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      field.value = "";
      search("");
      field.blur();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });

  const all = (open) => document.querySelectorAll("main details").forEach((each) => { each.open = open; });
  opener.addEventListener("click", () => {
    const open = opener.textContent === "Open all";
    all(open);
    opener.textContent = open ? "Close all" : "Open all";
  });
  window.addEventListener("beforeprint", () => all(true));

  const light = (event, lit) => {
    const delta = event.target.closest && event.target.closest("a.d");
    const frame = delta && document.getElementById(delta.hash.slice(1));
    if (frame) frame.classList.toggle("lit", lit);
  };
  document.addEventListener("mouseover", (event) => light(event, true));
  document.addEventListener("mouseout", (event) => light(event, false));

  // page.html#find=words is a link to what was found
  if (location.hash.startsWith("#find=")) {
    try {
      field.value = decodeURIComponent(location.hash.slice(6));
    } catch {
      field.value = location.hash.slice(6);
    }
    search(field.value);
    go(1);
  }
})();
