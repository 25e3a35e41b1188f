// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The picture of the cache lines over time, and what they hold after the crash.

const COLUMN = 78;
const LANE = 74;
const HEAD = 46;
const LEFT = 14;

const FATES = {
  guaranteed: ["✓", "guaranteed: survives every crash"],
  persisted: ["●", "not guaranteed, but it is there after this crash"],
  lost: ["✗", "not guaranteed, and lost in this crash"],
  part: ["◐", "not guaranteed, and only in part there"],
  open: ["?", "not guaranteed: a crash may lose it"],
};
const STORES = ["store", "nt-store", "found-store"];
const FENCES = ["sfence", "mfence", "locked", "fence"];

function marksOf(timeline) {
  return timeline.marks.map(([index, kind, thread, line, offset, size, fate, role,
    completes, stack, leftOut, value]) => ({
    index, kind: text(kind), thread, line, offset, size, fate: text(fate),
    role: text(role), completes, stack, leftOut, value,
  }));
}
const isStore = (mark) => STORES.includes(mark.kind);
const isFence = (mark) => FENCES.includes(mark.kind);
const isFlush = (mark) => mark.kind.startsWith("cl") || mark.kind === "flush" || mark.kind === "durable";

// Columns in the order of the run: one per record, one for what was left out,
// one for the step that is missing.
function columnsOf(marks, finding) {
  const columns = [];
  const last = marks[marks.length - 1];
  const fault = marks.find((mark) => mark.role === "fault");
  const later = marks.find((mark) => mark.role === "later") || last;
  // It belongs before what must come later, at the latest.
  const ghost = fault && finding.missing_what ? later : null;
  for (const mark of marks) {
    if (mark.leftOut > 0) {
      columns.push({ gap: mark.leftOut, marks: [] });
    }
    let column = columns[columns.length - 1];
    if (!column || column.index !== mark.index) {
      if (mark === ghost) {
        columns.push({ ghost: finding.missing_what, lane: fault.line, marks: [] });
      }
      column = { index: mark.index, marks: [] };
      columns.push(column);
    }
    column.marks.push(mark);
  }
  columns.forEach((column, i) => {
    column.x = LEFT + COLUMN / 2 + i * COLUMN;
    column.marks.forEach((mark) => { mark.x = column.x; });
  });
  return columns;
}

// Where a store stops being in doubt: at the record that completes it, or never.
function doubtEnd(mark, marks, end) {
  if (mark.fate !== "guaranteed") {
    return end;
  }
  const rest = marks.slice(marks.indexOf(mark) + 1);
  const flush = mark.kind === "nt-store" ? 0 : rest.findIndex((other) => isFlush(other) && other.line === mark.line);
  const done = flush < 0 ? undefined
    : rest.slice(flush).find((other) => other.completes >> mark.line & 1);
  return done ? done.x : null;
}

const laneY = (line) => HEAD + LANE * line + LANE / 2 + 10;

function markTitle(mark) {
  const stack = stackOf(mark.stack);
  const size = mark.size ? ` of ${plural(mark.size, "byte")} at +${hex(mark.offset)}` : "";
  const fate = mark.fate ? `: ${FATES[mark.fate][1]}` : "";
  return `event ${mark.index}: ${mark.kind}${size}${stack ? `, ${frameText(stack.shown)}` : ""}${fate}`;
}

function drawStore(mark, marks, end) {
  const y = laneY(mark.line);
  const doubt = doubtEnd(mark, marks, end);
  const badge = mark.role === "fault" ? "A" : mark.role === "later" ? "B" : null;
  return svg("g", { class: `store ${mark.fate || "open"}` },
    svg("title", {}, markTitle(mark)),
    doubt !== null && svg("rect", { class: "span", x: mark.x, y: y - 7, width: Math.max(doubt - mark.x, 0), height: 14 }),
    badge && svg("rect", { class: "ring", x: mark.x - 20, y: y - 15, width: 40, height: 30, rx: 8 }),
    svg("rect", { x: mark.x - 16, y: y - 11, width: 32, height: 22, rx: 5 }),
    svg("text", { x: mark.x, y: y + 4.5, "text-anchor": "middle" }, badge ? `${badge} ${FATES[mark.fate || "open"][0]}` : FATES[mark.fate || "open"][0]));
}

function drawFlush(mark) {
  const y = laneY(mark.line);
  return svg("g", { class: "flush" },
    svg("title", {}, markTitle(mark)),
    svg("path", { d: `M${mark.x} ${y - 16}v26m-7 -8l7 8l7 -8M${mark.x - 9} ${y + 15}h18` }));
}

function drawFence(mark, bottom) {
  const knots = [];
  for (let line = 0; line < 8; line++) {
    if (mark.completes >> line & 1) {
      knots.push(svg("circle", { class: "knot", cx: mark.x, cy: laneY(line), r: 6 }));
    }
  }
  return svg("g", {},
    svg("title", {}, markTitle(mark)),
    svg("line", { class: "post", x1: mark.x, x2: mark.x, y1: HEAD + 4, y2: bottom }),
    knots);
}

function drawGhost(column, bottom) {
  const y = laneY(column.lane);
  return svg("g", {},
    column.ghost === "flush" && svg("path", { class: "ghost", d: `M${column.x - 16} ${y - 16}v26m-7 -8l7 8l7 -8` }),
    svg("line", { class: "ghost", x1: column.x + 6, x2: column.x + 6, y1: HEAD + 4, y2: bottom }));
}

function drawHead(column, several, oneFile) {
  const middle = { x: column.x, "text-anchor": "middle" };
  if (column.gap) {
    return svg("text", { ...middle, y: 30, class: "dim" }, `… ${column.gap} more`);
  }
  if (column.ghost) {
    return [svg("text", { ...middle, y: 18, class: "ghost-text" }, "missing"),
      svg("text", { ...middle, y: 33, class: "ghost-text" }, column.ghost === "flush" ? "flush, fence" : "fence")];
  }
  const mark = column.marks[0];
  const stack = stackOf(mark.stack);
  const frame = stack && stack.shown;
  const place = !frame ? "" : frame.file !== null && frame.line !== 0
    ? `${oneFile ? "line " : `${base(frame.shown)}:`}${frame.line}` : frame.name || "";
  return [svg("text", { ...middle, y: 15 }, mark.kind, svg("title", {}, markTitle(mark))),
    svg("text", { ...middle, y: 29, class: "dim code" }, place.length > 11 ? `…${place.slice(-10)}` : place),
    svg("text", { ...middle, y: 42, class: "dim" }, several ? `thread ${mark.thread}` : `#${mark.index}`)];
}

// The right edge: the power is cut, or the finding was made.
function drawEnd(timeline, here, x, bottom) {
  if (!timeline.crashed) {
    return svg("line", { class: "end", x1: x, x2: x, y1: HEAD + 4, y2: bottom });
  }
  const zig = [];
  for (let y = HEAD + 4, side = 1; y < bottom; y += 10, side = -side) {
    zig.push(`L${x + 4 * side} ${Math.min(y + 10, bottom)}`);
  }
  return [svg("path", { class: "cut", d: `M${x} ${HEAD + 4}${zig.join("")}` }),
    svg("text", { class: "cut-text", x: x + 10, y: 18 }, "power cut"),
    svg("text", { class: "dim", x: x + 10, y: 33 }, here.kind === "end" ? "at the end" : `before this ${here.kind}`)];
}

function laneResult(line, marks, crashed) {
  const stores = marks.filter((mark) => mark.line === line && isStore(mark) && mark.fate);
  const gone = stores.filter((mark) => ["lost", "part", "open"].includes(mark.fate));
  if (stores.length === 0) {
    return ["no store here", ""];
  }
  if (!crashed) {
    return gone.length === 0 ? ["guaranteed", "guaranteed"] : ["may be lost", "open"];
  }
  return gone.length === 0 ? [stores.some((mark) => mark.fate === "persisted") ? "is there, by luck" : "is there", "persisted"]
    : [gone.some((mark) => mark.fate === "part") ? "torn" : gone.length === stores.length ? "lost" : "lost in part", "lost"];
}

function drawLane(timeline, line, marks, x, width) {
  const [pool, offset] = timeline.lines[line];
  const y = laneY(line);
  const [result, fate] = laneResult(line, marks, timeline.crashed);
  return svg("g", { class: fate },
    svg("rect", { class: "wash", x: 0, y: y - LANE / 2 + 4, width, height: LANE - 10, rx: 6 }),
    svg("text", { class: "code", x: 8, y: y - LANE / 2 + 18 }, `line ${addressText(pool, offset)}`),
    svg("line", { class: "lane", x1: LEFT, x2: x, y1: y, y2: y }),
    svg("text", { x: x + 12, y: y + 4, style: fate ? "fill: var(--fate); font-weight: 650" : null }, result));
}

function legend(marks, finding) {
  const fates = Object.keys(FATES).filter((fate) => marks.some((mark) => mark.fate === fate));
  const icon = (...children) => svg("svg", { width: 20, height: 22, viewBox: "0 0 20 22", "aria-hidden": "true" }, ...children);
  return h("ul", { class: "legend" },
    fates.map((fate) => h("li", { class: fate }, h("span", { class: "glyph", "aria-hidden": "true" }, FATES[fate][0]), FATES[fate][1])),
    marks.some(isFlush) && h("li", {}, icon(svg("g", { class: "flush" }, svg("path", { d: "M10 2v13m-5 -6l5 6l5 -6M3 19h14" }))), "flush"),
    marks.some(isFence) && h("li", {}, icon(svg("line", { class: "post", x1: 10, x2: 10, y1: 2, y2: 20 }), svg("circle", { class: "knot", cx: 10, cy: 11, r: 5 })), "fence; a green knot: it makes this line's stores guaranteed"),
    finding.missing_what && h("li", {}, icon(svg("line", { class: "ghost", x1: 10, x2: 10, y1: 2, y2: 20 })), "what should be there"),
    h("li", {}, icon(svg("rect", { class: "span persisted", x: 0, y: 7, width: 20, height: 8 })), "in doubt"));
}

function picture(timeline, finding) {
  const marks = marksOf(timeline);
  const here = marks[marks.length - 1];
  const columns = columnsOf(marks, finding);
  const lanes = timeline.lines.length;
  const bottom = HEAD + LANE * lanes + 6;
  // A record that did not happen is no mark: its place is the cut.
  const end = here.x + (timeline.crashed ? -COLUMN / 4 : isStore(here) || isFlush(here) || isFence(here) ? COLUMN / 2 : 0);
  const width = end + 150;
  const happened = timeline.crashed ? marks.slice(0, -1) : marks;
  const several = new Set(marks.map((mark) => mark.thread)).size > 1;
  const files = marks.map((mark) => stackOf(mark.stack)).filter(Boolean).map((stack) => stack.shown.file);
  const oneFile = new Set(files).size === 1;
  const drawing = svg("svg", { width, height: bottom + 8, viewBox: `0 0 ${width} ${bottom + 8}`, role: "img", "aria-label": `${plural(lanes, "cache line")} over time; the table below says the same` },
    timeline.lines.map((line, i) => drawLane(timeline, i, marks, end, width)),
    columns.slice(0, timeline.crashed ? -1 : undefined).map((column) => drawHead(column, several, oneFile)),
    happened.filter((mark) => isFence(mark)).map((mark) => drawFence(mark, bottom)),
    columns.filter((column) => column.ghost).map((column) => drawGhost(column, bottom)),
    happened.filter((mark) => mark.line >= 0 && isStore(mark)).map((mark) => drawStore(mark, marks, end)),
    happened.filter((mark) => mark.line >= 0 && isFlush(mark)).map(drawFlush),
    drawEnd(timeline, here, end, bottom));
  return h("figure", {},
    h("div", { class: "card picture" },
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The cache lines over time" }, drawing),
      legend(happened, finding)),
    h("details", { class: "events" }, h("summary", {}, "The same as a table, with the source"), markTable(timeline, happened)));
}

function markTable(timeline, marks) {
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, ["event", "what", "line", "place", "source", "fate"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, marks.map((mark) => {
      const stack = stackOf(mark.stack);
      const line = stack && sourceLine(stack.shown.file, stack.shown.line);
      return h("tr", { class: mark.role === "fault" ? "fault" : null },
        h("td", { class: "num" }, String(mark.index)),
        h("td", {}, mark.kind, mark.size ? ` of ${mark.size}` : ""),
        h("td", { class: "mono" }, mark.line < 0 ? "" : addressText(timeline.lines[mark.line][0], timeline.lines[mark.line][1] + mark.offset)),
        h("td", { class: "mono" }, stack ? frameText(stack.shown) : ""),
        h("td", { class: "mono" }, line === null ? "" : line.trim()),
        h("td", {}, mark.fate || ""));
    }))));
}

// ---- what the lines hold ----

const words = (bytes) => bytes.match(/.{16}/g);
function ascii(word) {
  const letters = word.match(/../g).map((byte) => parseInt(byte, 16));
  const shown = letters.map((byte) => byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·").join("");
  return letters.filter((byte) => byte > 31 && byte < 127).length > 2 ? shown : "";
}
const spaced = (word) => word.match(/..../g).join(" ");

function lineContent(timeline, [pool, offset, undecided, crash, stored]) {
  const were = words(stored);
  const same = crash === stored;
  const title = same ? timeline.crashed ? "after the crash, as the program left it" : undecided ? "" : "guaranteed"
    : timeline.crashed ? "after the crash; struck out: what the program had stored" : "what is guaranteed; struck out: what the program had stored";
  return h("div", {}, h("h4", {}, h("code", {}, addressText(pool, offset)), " ", title),
    h("dl", { class: "words" }, words(crash).map((word, i) => h("div", { class: word === were[i] ? "word same" : "word" },
      h("dt", {}, `+${hex(8 * i)}`),
      h("dd", { class: word === were[i] ? null : "is" }, spaced(word), " ", h("em", {}, ascii(word))),
      word !== were[i] && h("dd", { class: "should" }, spaced(were[i]), " ", h("em", {}, ascii(were[i])))))));
}

function contents(timeline) {
  return h("details", { class: "contents", open: timeline.crashed },
    h("summary", {}, timeline.crashed ? "What the lines hold after the crash" : "What the lines hold"),
    h("div", { class: "lines" }, timeline.lines.map((line) => lineContent(timeline, line))));
}
