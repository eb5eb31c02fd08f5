"use strict";
(() => {
const svg = document.querySelector("svg.hl"), room = document.getElementById("hl-room");
const bar = document.getElementById("hl-bar"), side = document.getElementById("hl-side");
const data = JSON.parse(document.getElementById("hl-data").textContent), S = data.size, N = data.tables.length;
const MANY = 80, SPACE = "http://www.w3.org/2000/svg";
const groups = data.tables.map((_, t) => document.getElementById("hl-t" + t));
const rowsOf = data.tables.map((one, t) => one.rows.map((_, r) => document.getElementById("hl-t" + t + "r" + r)));

// -- what is known ---------------------------------------------------------------------------------------------------

const names = [...new Set(data.tables.map(one => one.cluster))];
const clusters = names.map(name => ({name, tables: []}));
data.tables.forEach((one, t) => clusters[names.indexOf(one.cluster)].tables.push(t));
const clusterOf = data.tables.map(one => names.indexOf(one.cluster));
const up = data.tables.map(() => new Set()), down = data.tables.map(() => new Set());
const into = new Map(), out = new Map(), lanes = new Map(), pairs = [];
const key = (t, r) => r < 0 ? "" + t : t + "." + r;
const push = (map, at, value) => map.has(at) ? map.get(at).push(value) : map.set(at, [value]);
data.links.forEach(([s, sr, t, tr], number) => {
  if (s !== t && !down[s].has(t)) { down[s].add(t); up[t].add(s); pairs.push([s, t]); }
  push(out, key(s, sr), number); push(into, key(t, tr), number);
});
pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
data.lanes.forEach(([s, t, items]) => lanes.set(s + ">" + t, items));
const detailed = new Set(data.links.filter(one => one[1] >= 0).map(one => one[0] + ">" + one[2]));

const state = {
  unfolded: new Set(data.unfolded ? data.tables.keys() : []),
  closed: new Set(N > MANY && clusters.length > 1 ? clusters.keys() : []),
  focus: null, steps: 1, conditions: true, pinned: null,
};

// -- small things ----------------------------------------------------------------------------------------------------

const make = (name, attributes = {}, text) => {
  const one = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  return one;
};
const html = (name, attributes = {}, text) => {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  return one;
};
const many = (number, noun) => number + " " + noun + (number === 1 ? "" : "s");
const label = (t, r) => data.tables[t].name + (r < 0 ? "" : "." + data.tables[t].rows[r][0]);

// -- what is shown, and where ----------------------------------------------------------------------------------------

function around(start, steps) {
  const found = new Set([start]);
  for (const beside of [up, down]) {
    let edge = [start];
    const seen = new Set(edge);
    for (let step = 0; step < steps && edge.length; step++) {
      edge = edge.flatMap(one => [...beside[one]]).filter(one => !seen.has(one) && seen.add(one));
      edge.forEach(one => found.add(one));
    }
  }
  return found;
}

function visible() {
  if (state.focus !== null) return {tables: around(state.focus, state.steps), closed: []};
  const closed = [...state.closed];
  return {tables: new Set([...data.tables.keys()].filter(t => !state.closed.has(clusterOf[t]))), closed};
}

const headOf = t => S.head + (data.tables[t].badges ? S.badges : 0);
const isOpen = t => state.unfolded.has(t) && data.tables[t].rows.length > 0;
const heightOf = t => headOf(t) + (isOpen(t) ? data.tables[t].rows.length * S.row + S.foot : 0);

// The rules of place.py.
function place(columns, heights, links) {
  const broken = columns.flatMap(column => {
    const pieces = Math.ceil(column.length / S.most), size = pieces ? Math.ceil(column.length / pieces) : 0, all = [];
    for (let start = 0; start < column.length; start += size) all.push(column.slice(start, start + size));
    return all;
  });
  const beside = new Map(), tops = new Map(), xs = new Map();
  links.forEach(([s, t]) => { push(beside, s, t); push(beside, t, s); });
  broken.forEach((column, number) => {
    let y = 0;
    for (const item of column) { tops.set(item, y); y += heights.get(item) + S.gapY; xs.set(item, number * (S.width + S.gapX)); }
    for (const item of column) tops.set(item, tops.get(item) - (y - S.gapY) / 2);
  });
  for (let pass = 0; pass < S.passes; pass++) {
    for (const column of pass % 2 ? [...broken].reverse() : broken) {
      const blocks = [];
      for (const item of column) {
        const near = (beside.get(item) || []).filter(one => tops.has(one)).map(one => tops.get(one) + heights.get(one) / 2);
        const mean = near.length ? near.reduce((a, b) => a + b, 0) / near.length - heights.get(item) / 2 : tops.get(item);
        let block = [mean, Math.max(near.length, 1), heights.get(item) + S.gapY, [item]];
        while (blocks.length && blocks.at(-1)[0] + blocks.at(-1)[2] > block[0]) {
          const above = blocks.pop(), weight = above[1] + block[1];
          block = [(above[0] * above[1] + (block[0] - above[2]) * block[1]) / weight, weight, above[2] + block[2],
            above[3].concat(block[3])];
        }
        blocks.push(block);
      }
      for (const [top, , , items] of blocks) {
        let y = top;
        for (const item of items) { tops.set(item, y); y += heights.get(item) + S.gapY; }
      }
    }
  }
  const least = Math.min(...tops.values(), Infinity), boxes = new Map();
  for (const [item, x] of xs) boxes.set(item, {x, y: round(tops.get(item) - least), height: heights.get(item)});
  return boxes;
}

// As Python rounds: a half goes to the even neighbour.
const round = value => Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);

// A column of the picture without tables takes no room, and lines need no lanes there.
function laneItems(closed) {
  const used = new Set([...shown.tables].map(t => data.ranks[t]));
  closed.forEach(rank => used.add(rank));
  return new Set(data.columns.flatMap((column, rank) => used.has(rank) ? column : []));
}
const middleRank = c => clusters[c].tables.map(t => data.ranks[t]).sort((a, b) => a - b)[clusters[c].tables.length >> 1];
const laneOf = (s, t) => (lanes.get(s + ">" + t) || []).filter(item => boxes.has(item));

let shown = {tables: new Set(), closed: []}, boxes = new Map(), extent = {width: 1, height: 1};

function layout() {
  shown = visible();
  const heights = new Map(), links = [], onWay = new Set(), open = laneItems(shown.closed.map(middleRank));
  shown.tables.forEach(t => heights.set(t, heightOf(t)));
  for (const [s, t] of pairs) {
    if (!shown.tables.has(s) || !shown.tables.has(t) || data.ranks[s] >= data.ranks[t]) continue;
    const chain = [s, ...(lanes.get(s + ">" + t) || []).filter(item => open.has(item)), t];
    chain.slice(1, -1).forEach(item => { onWay.add(item); heights.set(item, S.lane); });
    chain.slice(1).forEach((item, number) => links.push([chain[number], item]));
  }
  const columns = data.columns.map(column => column.filter(item => item < N ? shown.tables.has(item) : onWay.has(item)));
  for (const c of shown.closed) {
    heights.set("c" + c, 74);
    columns[middleRank(c)].push("c" + c);
  }
  const bundles = new Map();
  if (shown.closed.length) {
    for (const [s, t] of pairs) {
      const ends = [s, t].map(one => state.closed.has(clusterOf[one]) ? "c" + clusterOf[one] : one);
      if (ends[0] === ends[1] || (typeof ends[0] === "number" && typeof ends[1] === "number")) continue;
      const at = ends.join(">");
      bundles.set(at, {ends, size: (bundles.get(at)?.size || 0) + 1});
    }
    bundles.forEach(one => links.push(one.ends));
  }
  boxes = place(columns.filter(column => column.length), heights, links);
  extent = {width: 1, height: 1};
  boxes.forEach(box => {
    extent.width = Math.max(extent.width, box.x + S.width);
    extent.height = Math.max(extent.height, box.y + box.height);
  });
  drawTables();
  drawClusters();
  drawLines(bundles);
  drawBands();
  trace(state.pinned);
}

function drawTables() {
  groups.forEach((group, t) => {
    const box = boxes.get(t);
    group.classList.toggle("gone", !box);
    group.classList.toggle("folded", !isOpen(t));
    group.classList.toggle("focus", t === state.focus);
    if (!box) return;
    group.setAttribute("transform", `translate(${box.x} ${box.y})`);
    group.querySelector(".box").setAttribute("height", box.height);
    if (data.tables[t].rows.length) group.setAttribute("aria-expanded", isOpen(t));
  });
}

const clusterGroups = new Map();
function drawClusters() {
  clusterGroups.forEach(one => one.remove());
  clusterGroups.clear();
  for (const c of shown.closed) {
    const box = boxes.get("c" + c), one = clusters[c];
    const group = make("g", {class: "cluster layer-" + (/^\w+$/.test(one.name) ? one.name : ""), tabindex: 0, role: "button",
      "aria-label": `${one.name}, ${many(one.tables.length, "table")}, closed`, transform: `translate(${box.x} ${box.y})`});
    group.append(
      make("rect", {class: "back", x: 8, y: 8, width: S.width, height: 74, rx: 10}),
      make("rect", {class: "back", x: 4, y: 4, width: S.width, height: 74, rx: 10}),
      make("rect", {class: "box", width: S.width, height: 74, rx: 10}), make("path", {class: "strip", d: `M8 .5h${S.width - 16}`}),
      make("text", {class: "name", x: 16, y: 32}, one.name.length > 28 ? one.name.slice(0, 27) + "…" : one.name),
      make("text", {class: "place", x: 16, y: 52}, `${many(one.tables.length, "table")} · select to open`));
    group.dataset.cluster = c;
    svg.querySelector(".tables").append(group);
    clusterGroups.set(c, group);
  }
}

// The rules of draw.py.
function curve(start, end, through) {
  const points = [start];
  for (const box of through) points.push([box.x, box.y + box.height / 2], [box.x + S.width, box.y + box.height / 2]);
  points.push(end);
  let path = `M${start[0]} ${start[1]}`;
  for (let number = 1; number < points.length; number++) {
    const [x, y] = points[number - 1], [u, v] = points[number];
    const bend = u > x ? Math.max(44, (u - x) / 2) : 90;
    path += number % 2 === 0 ? `L${u} ${v}` : `C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`;
  }
  return path;
}

const port = (item, r) => {
  const box = boxes.get(item);
  return [box.x, box.y + (typeof item === "string" ? 37 : r < 0 ? S.head / 2 : headOf(item) + r * S.row + S.row / 2)];
};

let lines = new Map();
function drawLines(bundles) {
  const drawn = [];
  lines = new Map();
  data.links.forEach(([s, sr, t, tr, way, words], number) => {
    if (s === t || !boxes.has(s) || !boxes.has(t)) return;
    const both = isOpen(s) && (tr < 0 ? data.tables[t].rows.length === 0 || isOpen(t) : isOpen(t));
    if (sr < 0 ? detailed.has(s + ">" + t) && isOpen(s) && isOpen(t) : !both || (!way && !state.conditions)) return;
    const start = port(s, sr), end = port(t, tr);
    const path = curve([start[0] + S.width, start[1]], end, laneOf(s, t).map(item => boxes.get(item)));
    const line = make("path", {class: "line " + (sr < 0 ? "whole" : ["condition", "direct", "direct masked"][way]), d: path});
    if (sr < 0) line.setAttribute("marker-end", "url(#hl-tip)");
    line.append(make("title", {}, words));
    lines.set(number, line);
    drawn.push(line);
  });
  bundles.forEach(({ends, size}) => {
    const start = port(ends[0], -1), line = make("path", {class: "line whole", "marker-end": "url(#hl-tip)"});
    line.setAttribute("d", curve([start[0] + S.width, start[1]], port(ends[1], -1), []));
    line.setAttribute("stroke-opacity", 0.4 + Math.min(0.6, Math.log10(size + 1) / 3));
    line.append(make("title", {}, many(size, "link")));
    drawn.push(line);
  });
  svg.querySelector(".links").replaceChildren(...drawn);
}

function drawBands() {
  const bands = [];
  if (S.band && !shown.closed.length) {
    for (const layer of ["landing", "bronze", "silver", "gold"]) {
      const xs = [...boxes].filter(([item]) => item < N && data.tables[item].layer === layer).map(([, box]) => box.x + S.margin);
      if (!xs.length) continue;
      const x = Math.min(...xs) - 16, width = Math.max(...xs) - Math.min(...xs) + S.width + 32;
      const band = make("g", {class: "band layer-" + layer});
      const height = extent.height + 2 * S.margin + S.band - 12;
      band.append(make("rect", {x, y: 6, width, height, rx: 10}), make("text", {x: x + 16, y: 28}, layer));
      bands.push(band);
    }
  }
  svg.querySelector(".bands").replaceChildren(...bands);
}

// -- a column through the graph --------------------------------------------------------------------------------------

function follow(t, r) {
  const found = {nodes: new Set([key(t, r)]), links: new Set(), up: [], down: []};
  for (const [map, far, list] of [[into, 0, found.up], [out, 2, found.down]]) {
    const seen = new Set([key(t, r)]);
    let edge = [[t, r]];
    while (edge.length) {
      const next = [];
      for (const [a, b] of edge) for (const number of map.get(key(a, b)) || []) {
        const link = data.links[number], there = [link[far], link[far + 1]];
        if (b >= 0 && !link[4] && !state.conditions) continue;
        if (b < 0 && there[1] >= 0) continue;
        found.links.add(number);
        if (seen.has(key(...there))) continue;
        seen.add(key(...there));
        found.nodes.add(key(...there));
        list.push([...there, link[5]]);
        next.push(there);
      }
      edge = next;
    }
  }
  return found;
}

let lit = [];
function trace(at) {
  lit.forEach(one => one.classList.remove("on", "start"));
  lit = [];
  svg.classList.toggle("tracing", Boolean(at));
  if (!at) return tell();
  const found = follow(...at), tables = new Set();
  const light = (one, ...classes) => { if (one) { one.classList.add(...classes); lit.push(one); } };
  found.nodes.forEach(one => {
    const [t, r] = one.split(".").map(Number);
    tables.add(t);
    if (r !== undefined) light(rowsOf[t][r], "on");
  });
  if (at[1] >= 0) light(rowsOf[at[0]][at[1]], "start");
  tables.forEach(t => { light(groups[t], "on"); light(clusterGroups.get(clusterOf[t]), "on"); });
  found.links.forEach(number => light(lines.get(number), "on"));
  if (at[1] >= 0) data.links.forEach(([s, sr, t], number) => {
    if (sr < 0 && tables.has(s) && tables.has(t) && !(isOpen(s) && isOpen(t))) light(lines.get(number), "on");
  });
  tell(`${label(...at)} comes from ${found.up.length} and goes to ${found.down.length}`);
}

// -- bar, search, details --------------------------------------------------------------------------------------------

const told = html("span", {class: "told", role: "status", "aria-live": "polite"});
function tell(text) {
  const closed = shown.closed.length ? ` and ${many(shown.closed.length, "group")}` : "";
  const all = shown.tables.size === N ? many(N, "table") : `${shown.tables.size} of ${many(N, "table")}${closed}`;
  told.textContent = text && text.length > 160 ? "…" + text.slice(-160) : text || data.note || all;
}

function button(text, title, act) {
  const one = html("button", {type: "button", title}, text);
  one.addEventListener("click", act);
  return one;
}

const finder = html("span", {class: "finder"});
const input = html("input", {type: "search", placeholder: "Find a table or column", "aria-label": "Find a table or column",
  role: "combobox", "aria-expanded": "false", "aria-controls": "hl-found", autocomplete: "off"});
const list = html("ul", {class: "found", id: "hl-found", role: "listbox"});
let hits = [], chosen = 0;
function find(text) {
  const words = text.toLowerCase().trim();
  hits = [];
  if (words) {
    const score = name => name === words ? 0 : name.endsWith(words) ? 1 : name.includes(words) ? 2 : 9;
    data.tables.forEach((one, t) => {
      hits.push([score(one.name.toLowerCase()), t, -1]);
      one.rows.forEach((row, r) => hits.push([
        Math.min(score(row[0].toLowerCase()) + 0.5, score((one.name + "." + row[0]).toLowerCase())), t, r]));
    });
    hits = hits.filter(hit => hit[0] < 9).sort((a, b) => a[0] - b[0]).slice(0, 12);
  }
  chosen = 0;
  list.replaceChildren(...hits.map(([, t, r], number) => {
    const one = html("li", {role: "option", id: "hl-o" + number, "aria-selected": number === chosen}, label(t, r));
    one.addEventListener("pointerdown", event => { event.preventDefault(); go(t, r); });
    return one;
  }));
  input.setAttribute("aria-expanded", hits.length > 0);
}
function choose(number) {
  chosen = (number + hits.length) % (hits.length || 1);
  [...list.children].forEach((one, place) => one.setAttribute("aria-selected", place === chosen));
  input.setAttribute("aria-activedescendant", hits.length ? "hl-o" + chosen : "");
}
input.addEventListener("input", () => find(input.value));
input.addEventListener("blur", () => list.replaceChildren());
input.addEventListener("keydown", event => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(chosen + (event.key === "ArrowDown" ? 1 : -1)); }
  if (event.key === "Enter" && hits.length) go(hits[chosen][1], hits[chosen][2]);
});

function go(t, r) {
  list.replaceChildren();
  state.unfolded.add(t);
  state.pinned = r < 0 ? null : [t, r];
  if (N > 24) focus(t); else layout();
  detail(t, r);
  show(t);
}

function focus(t) {
  state.focus = t;
  const near = around(t, state.steps);
  if (near.size <= 24) near.forEach(one => state.unfolded.add(one)); else state.unfolded.add(t);
  all.hidden = false;
  layout();
  fit();
}

function detail(t, r) {
  const one = data.tables[t], found = follow(t, r), facts = html("dl");
  const close = button("×", "Close", () => { side.hidden = true; settle(); });
  close.setAttribute("aria-label", "Close details");
  const more = r < 0 ? one.facts : [["table", one.name], ["type", one.rows[r][1]], ["tags", one.rows[r][2]]];
  more.filter(pair => pair[1]).forEach(([key, value]) => facts.append(html("dt", {}, key), html("dd", {}, value)));
  side.replaceChildren(close, html("h2", {}, r < 0 ? one.name : one.rows[r][0]), facts);
  for (const [title, rows] of [["Comes from", found.up], ["Goes to", found.down]]) {
    const ul = html("ul");
    rows.slice(0, 60).forEach(([a, b, words]) => {
      const li = html("li", {}, label(a, b) + " ");
      li.append(html("small", {}, words));
      ul.append(li);
    });
    if (rows.length > 60) ul.append(html("li", {}, `and ${rows.length - 60} more`));
    side.append(html("h3", {}, `${title} (${rows.length})`), ul);
  }
  side.hidden = false;
  settle();
}

const all = button("Show all", "Leave the focus", () => { state.focus = null; state.pinned = null; all.hidden = true; layout(); fit(); });
all.hidden = true;
const steps = html("select", {"aria-label": "Steps around the focus", title: "Steps around the focus"});
[1, 2, 3, 99].forEach(number => steps.append(html("option", {value: number}, number === 99 ? "all steps" : many(number, "step"))));
steps.addEventListener("change", () => { state.steps = Number(steps.value); if (state.focus !== null) focus(state.focus); });
const conditions = html("input", {type: "checkbox"});
conditions.checked = true;
conditions.addEventListener("change", () => { state.conditions = conditions.checked; layout(); });
const conditionsLabel = html("label", {title: "Joins, filters, groups: what decides on values without being in them"});
conditionsLabel.append(conditions, "conditions");
finder.append(input, list);
bar.append(finder, steps, all,
  button("Unfold", "Show the columns of all tables", () => { shown.tables.forEach(t => state.unfolded.add(t)); layout(); fit(); }),
  button("Fold", "Hide all columns", () => { state.unfolded.clear(); layout(); fit(); }),
  ...(clusters.length > 1 && N > 24 ? [button("Group", "One box for each layer", () => {
    state.focus = null; all.hidden = true; state.closed = new Set(clusters.keys()); layout(); fit(); })] : []),
  conditionsLabel, button("−", "Smaller", () => zoom(1.25)), button("+", "Larger", () => zoom(0.8)),
  button("Fit", "Show everything", () => fit(true)), button("◐", "Light or dark", () => {
    const root = document.documentElement, dark = getComputedStyle(root).getPropertyValue("--paper").trim() === "#14171c";
    root.classList.toggle("dark", !dark); root.classList.toggle("light", dark); }), told);

// -- moving about ----------------------------------------------------------------------------------------------------

const view = {x: 0, y: 0, scale: 1, moved: false};
function look() {
  svg.setAttribute("viewBox", [view.x, view.y, room.clientWidth * view.scale, room.clientHeight * view.scale].join(" "));
}
function fit(whole) {
  view.moved = false;
  const width = extent.width + 2 * S.margin, height = extent.height + 2 * S.margin + S.band;
  const wanted = Math.max(width / room.clientWidth, height / room.clientHeight, 0.8);
  view.scale = whole ? wanted : Math.min(wanted, 1.5);
  view.x = Math.min(0, (width - room.clientWidth * view.scale) / 2);
  view.y = Math.min(0, (height - room.clientHeight * view.scale) / 2);
  if (state.focus !== null) show(state.focus);
  look();
}
// The room has another width: what nobody moved is fitted again.
function settle() {
  if (view.moved) look(); else fit();
}
function show(t) {
  const box = boxes.get(t);
  if (!box) return;
  const width = room.clientWidth * view.scale, height = room.clientHeight * view.scale;
  const x = box.x + S.margin, y = box.y + S.margin + S.band;
  if (x < view.x || x + S.width > view.x + width) view.x = x + S.width / 2 - width / 2;
  if (y < view.y || y + Math.min(box.height, height) > view.y + height) view.y = y + Math.min(box.height, height) / 2 - height / 2;
  look();
}
function zoom(by, at) {
  view.moved = true;
  const rect = room.getBoundingClientRect();
  const [px, py] = at ? [at.clientX - rect.left, at.clientY - rect.top] : [rect.width / 2, rect.height / 2];
  const scale = Math.min(12, Math.max(0.25, view.scale * by));
  view.x += px * (view.scale - scale);
  view.y += py * (view.scale - scale);
  view.scale = scale;
  look();
}
room.addEventListener("wheel", event => {
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) return zoom(Math.exp(event.deltaY / 300), event);
  view.moved = true;
  view.x += (event.shiftKey ? event.deltaY : event.deltaX) * view.scale;
  view.y += (event.shiftKey ? 0 : event.deltaY) * view.scale;
  look();
}, {passive: false});
let held = null;
svg.addEventListener("pointerdown", event => {
  if (event.button || event.target.closest(".table,.cluster")) return;
  held = [event.clientX, event.clientY];
  svg.setPointerCapture(event.pointerId);
  svg.classList.add("held");
});
svg.addEventListener("pointermove", event => {
  if (!held) return;
  view.moved = true;
  view.x -= (event.clientX - held[0]) * view.scale;
  view.y -= (event.clientY - held[1]) * view.scale;
  held = [event.clientX, event.clientY];
  look();
});
for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = null; svg.classList.remove("held"); });

// -- tables and rows -------------------------------------------------------------------------------------------------

const placeOf = target => {
  const row = target.closest(".row"), table = target.closest(".table");
  if (!table) return null;
  const t = Number(table.id.slice(4));
  return row ? [t, Number(row.id.slice(row.id.lastIndexOf("r") + 1))] : [t, -1];
};
function fold(t) {
  state.unfolded.has(t) ? state.unfolded.delete(t) : state.unfolded.add(t);
  layout();
}
function open(c) {
  state.closed.delete(c);
  layout();
  fit();
}
svg.addEventListener("pointerover", event => { if (!state.pinned && !held) trace(placeOf(event.target)); });
svg.addEventListener("pointerleave", () => trace(state.pinned));
svg.addEventListener("click", event => {
  const cluster = event.target.closest(".cluster"), at = placeOf(event.target);
  if (cluster) return open(Number(cluster.dataset.cluster));
  if (!at) { state.pinned = null; return trace(null); }
  if (at[1] < 0) { fold(at[0]); return detail(...at); }
  state.pinned = state.pinned && key(...state.pinned) === key(...at) ? null : at;
  trace(state.pinned);
  detail(...at);
});
svg.addEventListener("dblclick", event => { const at = placeOf(event.target); if (at) focus(at[0]); });
svg.addEventListener("focusin", event => { const at = placeOf(event.target); if (at && !state.pinned) trace(at); });
svg.addEventListener("keydown", event => {
  const cluster = event.target.closest(".cluster"), at = placeOf(event.target);
  const near = at && [...(event.key === "ArrowLeft" ? up : down)[at[0]]].filter(one => boxes.has(one));
  const act = {
    Enter: () => cluster ? open(Number(cluster.dataset.cluster)) : at[1] < 0 ? (fold(at[0]), detail(...at)) : detail(...at),
    " ": () => act.Enter(),
    f: () => at && focus(at[0]),
    Escape: () => { state.pinned = null; trace(null); side.hidden = true; if (at && at[1] >= 0) groups[at[0]].focus(); },
    ArrowDown: () => at && isOpen(at[0]) && rowsOf[at[0]][Math.min(at[1] + 1, rowsOf[at[0]].length - 1)].focus(),
    ArrowUp: () => at && (at[1] > 0 ? rowsOf[at[0]][at[1] - 1] : groups[at[0]]).focus(),
    ArrowLeft: () => near && near.length && groups[near[0]].focus(),
    ArrowRight: () => near && near.length && groups[near[0]].focus(),
  }[event.key];
  if (act) { event.preventDefault(); act(); }
});
document.addEventListener("keydown", event => {
  if (event.key === "/" && event.target !== input) { event.preventDefault(); input.focus(); }
});

// How old a table's data is, as one looks at it; the moment itself is in the badge's tooltip and in the details.
data.tables.forEach((one, t) => {
  const text = one.written && groups[t].querySelector(".badge.written text");
  if (!text) return;
  const minutes = Math.max(0, Math.round(Date.now() / 60000 - one.written / 60));
  text.textContent = minutes < 90 ? `${minutes} min ago` : minutes < 2880 ? `${Math.round(minutes / 60)} h ago`
    : `${Math.round(minutes / 1440)} days ago`;
});

// -- beginning -------------------------------------------------------------------------------------------------------

// #focus=NAME&steps=2&trace=NAME.COLUMN&fold=1&unfold=1&group=0&theme=dark: a link to a state.
const wish = new URLSearchParams(location.hash.slice(1));
const named = text => { find(text); const hit = hits[0]; list.replaceChildren(); return hit; };
if (wish.has("theme")) document.documentElement.classList.add(wish.get("theme") === "dark" ? "dark" : "light");
if (wish.get("group") === "0") state.closed.clear();
if (wish.has("fold")) state.unfolded.clear();
if (wish.has("unfold")) data.tables.forEach((_, t) => state.unfolded.add(t));
if (wish.has("steps")) { state.steps = Number(wish.get("steps")) || 1; steps.value = state.steps; }
svg.classList.add("moving");
svg.removeAttribute("width");
svg.removeAttribute("height");
groups.forEach((group, t) => group.setAttribute("role", data.tables[t].rows.length ? "button" : "group"));
layout();
fit();
const start = wish.get("trace") || wish.get("focus"), hit = start && named(start);
if (start && !hit) tell("nothing here is named " + start);
if (hit) wish.has("focus") ? (focus(named(wish.get("focus"))[1]), wish.has("trace") && (state.pinned = [hit[1], hit[2]], layout())) : go(hit[1], hit[2]);
if (typeof ResizeObserver === "function") new ResizeObserver(settle).observe(room);
document.documentElement.dataset.ready = "yes";
})();
