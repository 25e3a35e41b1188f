// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The page: the list and its filters, the overview, a finding, the keyboard.
// With thousands of findings, only what is looked at is drawn.

const CHUNK = 150; // entries of the list that are drawn at a time
const PRINT_MAX = 200; // findings that are printed in full
const BARS_MIN = 24; // the chart is so wide that fewer bars do not fill it
const SEVERITIES = ["error", "warning", "performance", "note"];
const findings = data.findings;

const filter = { search: "", severities: new Set(SEVERITIES), class: "", events: null };
let chosen = findings.map((finding, i) => i); // indexes that pass the filter
let drawn = 0; // of chosen, in the list
let current = -1; // index of the finding that is shown; -1: the overview

// ---- what a finding says ----

const accessesOf = (finding) => [finding.store, finding.missing, finding.read].filter(Boolean);
const eventOf = (finding) => finding.crash ? Number(finding.crash.state.split("/")[0]) : null;

function mainPlace(finding) {
  const stacks = accessesOf(finding).map((access) => access[0]);
  if (finding.crash && finding.crash.stack !== undefined) {
    stacks.push(finding.crash.stack);
  }
  const known = (finding.missing_first ? [finding.missing[0], ...stacks] : stacks).find((stack) => stack >= 0);
  return known === undefined ? null : stackOf(known).shown;
}

const haystacks = [];
function haystack(index) {
  if (haystacks[index] === undefined) {
    const finding = findings[index];
    const crash = finding.crash || {};
    const stacks = accessesOf(finding).map((access) => access[0]).concat(crash.stack === undefined ? [] : crash.stack);
    haystacks[index] = [finding.class, finding.severity, finding.message, finding.operation, crash.state, crash.outcome,
      ...stacks.filter((stack) => stack >= 0).flatMap((stack) => stackOf(stack).frames.map(frameText))].join("\n").toLowerCase();
  }
  return haystacks[index];
}

function passes(index) {
  const finding = findings[index];
  const event = eventOf(finding);
  return filter.severities.has(finding.severity) &&
    (filter.class === "" || finding.class === filter.class) &&
    (filter.events === null || (event !== null && event >= filter.events[0] && event <= filter.events[1])) &&
    filter.search.split(/\s+/).every((word) => haystack(index).includes(word));
}

// ---- list ----

// In the list, the line and the function matter more than the folder.
const shortText = (frame) => frameText(frame.shown === null ? frame : { ...frame, shown: base(frame.shown) });

function entry(index) {
  const finding = findings[index];
  const place = mainPlace(finding);
  return h("li", {}, h("a", { href: `#finding-${index + 1}`, id: `entry-${index}`, class: finding.severity, "aria-current": index === current ? "true" : null },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "name" }, finding.class, h("span", { class: "hidden" }, `, ${finding.severity}`)),
    h("span", { class: "times" }, finding.count > 1 ? `× ${finding.count.toLocaleString("en")}` : ""),
    h("span", { class: "where", title: place && frameText(place) }, place ? shortText(place) : "no place in the source"),
    h("span", { class: "what" }, finding.message)));
}

function drawMore(upTo) {
  const end = Math.min(chosen.length, Math.max(drawn + CHUNK, upTo || 0));
  byId("list").append(...chosen.slice(drawn, end).map(entry));
  drawn = end;
}

function drawList() {
  const list = byId("list");
  const all = chosen.length === findings.length && filter.events === null;
  drawn = 0;
  list.replaceChildren();
  list.scrollTop = 0;
  drawMore();
  byId("shown").replaceChildren(
    all ? plural(findings.length, "finding") : `${chosen.length.toLocaleString("en")} of ${plural(findings.length, "finding")}`,
    all ? "" : h("button", { type: "button", click: clearFilter }, "show all"));
  if (chosen.length === 0) {
    list.append(h("li", { class: "none" }, findings.length === 0 ? "Nothing was found." : "Nothing passes the filter."));
  }
}

function applyFilter() {
  chosen = findings.map((finding, i) => i).filter(passes);
  drawList();
}

function clearFilter() {
  Object.assign(filter, { search: "", severities: new Set(SEVERITIES), class: "", events: null });
  byId("search").value = "";
  byId("class").value = "";
  document.querySelectorAll("#severities button").forEach((chip) => chip.setAttribute("aria-pressed", "true"));
  applyFilter();
}

function setClass(name) {
  filter.class = name;
  byId("class").value = name;
  applyFilter();
}

const countOf = (key, value) => findings.filter((finding) => finding[key] === value).length;

function severityCount(name) {
  const count = countOf("severity", name);
  return name === "performance" ? `${count.toLocaleString("en")} on performance` : plural(count, name);
}

function drawFilters() {
  byId("severities").append(...SEVERITIES.filter((name) => countOf("severity", name) !== 0).map((name) =>
    h("button", { type: "button", class: `chip ${name}`, "aria-pressed": "true", "data-severity": name, click: (event) => {
      const on = !filter.severities.delete(name);
      if (on) {
        filter.severities.add(name);
      }
      event.currentTarget.setAttribute("aria-pressed", String(on));
      applyFilter();
    } }, h("span", { class: "dot", "aria-hidden": "true" }), severityCount(name))));
  byId("class").append(h("option", { value: "" }, "All classes"),
    ...Object.keys(data.classes).map((name) => h("option", { value: name }, `${name} (${countOf("class", name)})`)));
  byId("class").addEventListener("change", (event) => setClass(event.target.value));
  byId("search").addEventListener("input", (event) => {
    filter.search = event.target.value.trim().toLowerCase();
    applyFilter();
  });
  byId("list").addEventListener("scroll", listScrolled);
  window.addEventListener("scroll", listScrolled, { passive: true });
}

function listScrolled() {
  const last = byId("list").lastElementChild;
  if (drawn < chosen.length && last.getBoundingClientRect().top < window.innerHeight + 600) {
    drawMore();
  }
}

// ---- source ----

function excerpt(frame) {
  const source = frame.file === null ? undefined : data.sources[frame.file];
  if (frame.file === null || frame.line === 0) {
    return h("p", { class: "quiet" }, "The source line is not known: the code has no debug information (-g).");
  }
  if (!source || source.error) {
    return h("p", { class: "quiet" }, `The source is not shown: ${frame.file}: ${source ? source.error : "not read"}.`);
  }
  const rows = [];
  for (let line = frame.line - 4; line <= frame.line + 4; line++) {
    const code = sourceLine(frame.file, line);
    if (code !== null) {
      rows.push(h("div", { class: line === frame.line ? "hit" : null }, h("i", {}, String(line)), code));
    }
  }
  if (rows.length === 0) {
    return h("p", { class: "quiet" }, `The source is not shown: ${frame.file} has no line ${frame.line}; it has changed since the program was built.`);
  }
  return [h("pre", { class: "source", tabindex: 0, "aria-label": `Source around ${placeText(frame)}` }, rows),
    source.changed && h("p", { class: "quiet" }, "The file has changed since the run: the lines may not be those that ran.")];
}

function stackDetails(stack) {
  const rest = stack.frames.length;
  return rest > 1 && h("details", {}, h("summary", {}, `Call stack, ${rest} frames`),
    h("ol", { class: "stack" }, stack.frames.map((frame) =>
      h("li", {}, frameText(frame), frame.inlined ? " (inlined)" : "", frame.file === null && frame.module ? ` (${base(frame.module)})` : ""))));
}

// One place of a finding with its source. kind: "fault", "later" or "".
function step(badge, kind, label, stackNumber, ...more) {
  const stack = stackOf(stackNumber);
  return h("li", { class: "step" }, h("span", { class: `badge ${kind}`, "aria-hidden": "true" }, badge),
    h("p", {}, h("span", { class: "label" }, label), stack && h("span", { class: "place" }, `  ${frameText(stack.shown)}`)),
    stack && excerpt(stack.shown), stack && stackDetails(stack), more);
}

function accessLabel(what, [, pool, offset, size]) {
  if (pool < 0) {
    return what;
  }
  const bytes = size > 1 || (size === 1 && what !== "flush") ? ` of ${plural(size, "byte")}` : "";
  return `${what}${bytes} ${what === "store" ? "to" : "of"} ${addressText(pool, offset)}`;
}

// Which thread made an access of a race, and holding which locks.
function by([, , , , party]) {
  return party !== undefined && h("ul", { class: "by" }, text(party).split("\n").map((line) => h("li", {}, line)));
}

function otherLost(finding) {
  const more = finding.crash ? finding.crash.lost.slice(1) : [];
  return more.length > 0 && h("li", { class: "between" }, h("details", {},
    h("summary", {}, `${plural(more.length, "more store is", "more stores are")} lost with it`),
    h("ol", { class: "stack" }, more.map((access) => {
      const stack = stackOf(access[0]);
      return h("li", {}, accessLabel("store", access), stack ? `  ${frameText(stack.shown)}` : "");
    }))));
}

function steps(finding) {
  const crash = finding.crash;
  const store = finding.store && step("A", "fault", accessLabel(finding.store_is, finding.store), finding.store[0], by(finding.store));
  const missing = finding.missing && step(finding.missing_first ? "!" : "B", "later", accessLabel(finding.missing_is, finding.missing), finding.missing[0], by(finding.missing));
  const readLabel = finding.read_is ? accessLabel(finding.read_is, finding.read) : finding.between ? "recovery read the second without the first" : "recovery read it";
  const between = finding.between && h("li", { class: "between" }, finding.between);
  const places = finding.missing_first ? [missing, store && between, store] : [store, between, missing];
  return h("ol", { class: "steps" }, places, finding.after && h("li", { class: "between" }, finding.after), otherLost(finding),
    finding.read && step(finding.read_is ? "B" : "→", finding.read_is ? "later" : "", readLabel, finding.read[0], by(finding.read)),
    crash && crash.outcome && step("✗", "", crash.outcome, crash.stack === undefined ? -1 : crash.stack,
      crash.output && [h("p", { class: "quiet" }, "The end of what recovery printed:"), h("pre", { class: "output" }, crash.output)]));
}

// ---- states ----

const DIFF_MAX = 1200; // lines; beyond that both are shown whole

// The lines of b as changes of a: [" " | "-" | "+", line].
function diff(a, b) {
  const width = b.length + 1;
  if (a.length > DIFF_MAX || b.length > DIFF_MAX) {
    return [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  }
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const changes = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      changes.push([" ", a[i++]]);
      j++;
    } else if (j === b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      changes.push(["-", a[i++]]);
    } else {
      changes.push(["+", b[j++]]);
    }
  }
  return changes;
}

function stateDiff(title, from, to) {
  const changes = diff(from.split("\n"), to.split("\n"));
  const classes = { "-": "minus", "+": "plus", " ": null };
  return h("div", { class: "card" }, h("h4", {}, title), h("div", { class: "diff mono" },
    changes.map(([sign, line]) => h("div", { class: classes[sign] }, `${sign} ${line}`))));
}

function states(finding) {
  const { state_before: before, state_after: after, state_found: found, state_nearest: nearest } = finding;
  if (found === undefined && before === undefined && after === undefined) {
    return null;
  }
  if (nearest !== undefined && found !== undefined) {
    return h("section", {}, h("h3", {}, "The state that recovery left"),
      h("p", { class: "quiet" }, `Operations overlapped. Legal are the ${finding.states_legal} states that some order of them explains; this is the nearest, ${finding.state_order}. Lines with − are missing, those with + should not be there.`),
      h("div", { class: "states" }, stateDiff("Found, against the nearest legal state", nearest, found)));
  }
  const both = found !== undefined;
  return h("section", {}, h("h3", {}, "The state that recovery left"),
    h("p", { class: "quiet" }, "Legal are the states before and after the operation. Lines with − are missing, those with + should not be there."),
    h("div", { class: "states" },
      both && before !== undefined && stateDiff("Found, against the state before", before, found),
      both && after !== undefined && stateDiff("Found, against the state after", after, found),
      !(both && before !== undefined) && before !== undefined && stateDiff("Before", before, before),
      !(both && after !== undefined) && after !== undefined && stateDiff("After", after, after),
      both && before === undefined && after === undefined && stateDiff("Found", found, found)));
}

// ---- a finding ----

// Every other part between backticks is code.
const prose = (line) => line.split("`").map((part, i) => i % 2 ? h("code", {}, part) : part);
const paragraphs = (lines) => (lines || "").split("\n").filter(Boolean).map((line) => h("p", {}, prose(line)));

function explanation(name) {
  const about = data.classes[name];
  return h("section", { class: "explain" }, h("h3", {}, "Why this is a fault, and what to do"),
    paragraphs(about.hardware), paragraphs(about.fix),
    about.rules && h("p", { class: "quiet" }, `docs/MODEL.md: ${about.rules}`),
    about.example && h("details", {}, h("summary", {}, "An example, with the fault and without"),
      h("div", { class: "pair" },
        h("div", {}, h("h4", {}, "With the fault"), h("pre", { class: "output" }, about.example)),
        h("div", {}, h("h4", {}, "Without"), h("pre", { class: "output" }, about.fixed || "")))));
}

function copyButton(command) {
  return h("button", { type: "button", class: "tool", click: async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
    }
  } }, "Copy");
}

function pictureSection(finding) {
  if (!finding.timeline) {
    const why = data.no_timeline || (accessesOf(finding).length === 0 || (finding.crash && !finding.store)
      ? "no store is at fault here: there is no line to draw" : "the trace does not say where this was");
    return h("section", {}, h("h3", {}, "The cache lines over time"), h("p", { class: "quiet" }, `Not shown: ${why}.`));
  }
  return h("section", {}, h("h3", {}, "The cache lines over time"), picture(finding.timeline, finding), contents(finding.timeline));
}

function findingArticle(index) {
  const finding = findings[index];
  const crash = finding.crash;
  return h("article", { "aria-labelledby": `title-${index}` },
    h("p", { class: `pill ${finding.severity}` }, h("span", { class: "dot", "aria-hidden": "true" }), finding.severity),
    h("h2", { class: "title", id: `title-${index}` }, finding.class),
    h("p", { class: "lead" }, finding.message),
    h("ul", { class: "facts" },
      h("li", {}, "found ", h("b", {}, plural(finding.count, "time"))),
      finding.operation && h("li", {}, "in operation ", h("b", {}, finding.operation)),
      crash && h("li", {}, "crash state ", h("b", {}, crash.state))),
    finding.fix && h("div", { class: "fix" }, h("b", {}, "Fix"), finding.fix),
    crash && crash.replay && h("div", { class: "card see" }, h("code", { tabindex: 0 }, crash.replay), copyButton(crash.replay)),
    h("section", {}, h("h3", {}, "What happened"), steps(finding)),
    pictureSection(finding), states(finding), explanation(finding.class));
}

function findingView(index) {
  const at = chosen.indexOf(index);
  const go = (to) => ({ type: "button", class: "tool", disabled: at < 0 || chosen[to] === undefined, click: () => show(chosen[to]) });
  return [h("div", { class: "bar" }, h("a", { class: "tool back", href: "#overview" }, "‹ All findings"),
    h("span", { class: "at" }, at < 0 ? "not in the list: it does not pass the filter" : `${(at + 1).toLocaleString("en")} of ${chosen.length.toLocaleString("en")}`),
    h("button", go(at - 1), "Previous"), h("button", go(at + 1), "Next")), findingArticle(index)];
}

// ---- overview ----

const superscript = (log2) => [h("span", {}, "2"), h("sup", {}, String(Math.round(log2)))];
const tile = (name, value, kind) => h("div", { class: `card tile ${kind || ""}` }, h("dt", {}, name), h("dd", {}, value));

function chart(coverage) {
  const bars = coverage.bars || [];
  if (bars.length === 0) {
    return null;
  }
  const most = Math.max(...bars.map((bar) => bar[4]), 1);
  const height = (runs) => runs === 0 ? 1.5 : 6 + 90 * Math.sqrt(runs / most);
  const found = bars.filter((bar) => bar[5] > 0).length;
  const draw = ([from, to, points, explored, runs, hits, incomplete], i) => {
    const where = from === to ? `event ${from}` : `events ${from} to ${to}`;
    const says = `${where}: ${plural(points, "crash point")}${explored < points ? `, ${points - explored} of them equal to earlier ones` : ""}, ${plural(runs, "run")}${hits ? `, found ${plural(hits, "time")}` : ""}${incomplete ? `, ${incomplete} not finished` : ""}`;
    const tall = height(runs);
    const rect = svg("rect", { class: hits ? "hit" : incomplete ? "short" : "run", x: i + 0.08, y: 100 - tall, width: 0.84, height: tall }, svg("title", {}, says));
    return hits ? svg("a", { href: "#overview", "aria-label": says, click: (event) => {
      event.preventDefault();
      filter.events = [from, to];
      applyFilter();
    } }, rect) : rect;
  };
  return h("figure", { class: "card chart" },
    svg("svg", { viewBox: `0 0 ${Math.max(bars.length, BARS_MIN)} 100`, preserveAspectRatio: "none", role: "group", "aria-label": "Runs over the crash points of the run" }, bars.map(draw)),
    h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, `event ${bars[0][0]}`), h("span", {}, `event ${bars[bars.length - 1][1]}`)),
    h("figcaption", {}, `Runs of recovery at each crash point, in the order of the run; at most ${plural(most, "run")}${bars.length < coverage.crash_points ? " in a bar of several points" : ""}. `,
      found ? "Red: something was found there; click to see what. " : "", "A low line: equal to an earlier crash point, hence not run again."));
}

function coverageSection(coverage) {
  if (!coverage) {
    return h("p", { class: "quiet" }, "Only the run itself was looked at: no crash states were explored (fencepost crash does that).");
  }
  return [h("dl", { class: "tiles" }, tile("crash points", coverage.crash_points.toLocaleString("en")),
    tile("runs of recovery", coverage.runs.toLocaleString("en")), tile("images covered", superscript(coverage.images_log2)),
    tile("coverage", coverage.complete ? "complete" : "in part", coverage.complete ? "yes" : "no")),
  coverage.left_out && h("p", { class: "quiet" }, `Left out: ${coverage.left_out}.`),
  h("section", {}, h("h3", {}, "Coverage over the run"), chart(coverage))];
}

function classTable() {
  const names = Object.keys(data.classes);
  return names.length !== 0 && h("section", {}, h("h3", {}, "What was found"), h("table", { class: "classes" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "class"), h("th", { scope: "col" }, "meaning"), h("th", { scope: "col", class: "num" }, "findings"))),
    h("tbody", {}, names.map((name) => h("tr", {},
      h("td", {}, h("button", { type: "button", click: () => { setClass(name); byId("search").focus(); } }, name)),
      h("td", {}, data.classes[name].text), h("td", { class: "num" }, countOf("class", name).toLocaleString("en")))))));
}

function verdict() {
  return findings.length === 0 ? "Nothing found"
    : SEVERITIES.filter((name) => countOf("severity", name) !== 0).map(severityCount).join(", ");
}

function ending() {
  if (data.signal !== undefined) {
    return `The program was killed by signal ${data.signal}. `;
  }
  return data.exit_code ? `The program exited with ${data.exit_code}. ` : "";
}

function overview() {
  const eadr = data.domain === "eadr";
  return h("article", { "aria-labelledby": "verdict" }, h("h1", { class: "verdict", id: "verdict" }, verdict()),
    h("p", { class: "lead" }, ending(), eadr ? "With eADR: visible stores survive a power failure." : "With ADR: what is flushed and fenced survives a power failure.",
      data.stores === "torn" ? " Each word of a line persists on its own (--lines torn)." : ""),
    coverageSection(data.coverage), classTable(),
    (data.notes.length !== 0 || data.suppressed !== 0) && h("section", {}, h("h3", {}, "Notes"), h("ul", { class: "notes" },
      data.suppressed !== 0 && h("li", {}, `${plural(data.suppressed, "occurrence was", "occurrences were")} suppressed.`),
      data.notes.map((note) => h("li", {}, note)))),
    h("p", { class: "quiet" }, `fencepost ${data.version}${data.seed === undefined ? "" : `, seed ${data.seed}`}`));
}

// ---- showing ----

function show(index) {
  location.hash = index < 0 ? "#overview" : `#finding-${index + 1}`;
}

function drawDetail() {
  const match = /^#finding-(\d+)$/.exec(location.hash);
  const index = match && findings[Number(match[1]) - 1] ? Number(match[1]) - 1 : -1;
  const before = byId(`entry-${current}`);
  if (before) {
    before.removeAttribute("aria-current");
  }
  current = index;
  byId("detail").replaceChildren(...[index < 0 ? overview() : findingView(index)].flat());
  document.body.classList.toggle("reading", index >= 0);
  document.title = index < 0 ? `${verdict()}: Fencepost report` : `${findings[index].class} (${index + 1}): Fencepost report`;
  const at = chosen.indexOf(index);
  if (at >= 0) {
    drawMoreFor(at);
    const now = byId(`entry-${index}`);
    now.setAttribute("aria-current", "true");
    now.scrollIntoView({ block: "nearest" });
  }
  window.scrollTo(0, 0);
}

function drawMoreFor(at) {
  if (at >= drawn) {
    drawMore(at + 1);
  }
}

function stepBy(by) {
  const at = chosen.indexOf(current);
  const to = at < 0 ? (by > 0 ? 0 : chosen.length - 1) : at + by;
  if (chosen[to] !== undefined) {
    show(chosen[to]);
  }
}

// ---- theme, keyboard, paper ----

const stored = (change) => {
  try {
    return change(window.localStorage);
  } catch {
    return null; // a page that may store nothing forgets the choice
  }
};
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

function drawTheme() {
  const theme = stored((storage) => storage.getItem("fencepost-theme")) || (systemDark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  stored((storage) => storage.setItem("fencepost-theme", theme));
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

const keys = {
  j: () => stepBy(1),
  k: () => stepBy(-1),
  o: () => show(-1),
  t: switchTheme,
  "/": () => byId("search").focus(),
  "?": () => byId("help").showModal(),
  Enter: () => {
    stepBy(current < 0 ? 1 : 0);
    byId("detail").focus();
  },
  Escape: () => {
    if (filter.search !== "") {
      clearFilter();
    } else {
      show(-1);
    }
  },
};

function keyPressed(event) {
  const name = event.target.tagName;
  const typing = name === "INPUT" || name === "SELECT";
  const pressing = name === "BUTTON" || name === "A" || name === "SUMMARY";
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open ||
      (typing && !(name === "INPUT" && (event.key === "Enter" || event.key === "Escape"))) || (pressing && event.key === "Enter") ||
      !Object.hasOwn(keys, event.key)) {
    return;
  }
  event.preventDefault();
  if (typing) {
    event.target.blur();
  }
  keys[event.key]();
}

// On paper there is no list to choose from: what passes the filter is printed.
function preparePaper() {
  if (current >= 0) {
    return;
  }
  const all = chosen.slice(0, PRINT_MAX);
  byId("print").className = "printed";
  byId("print").replaceChildren(...all.map(findingArticle),
    chosen.length > all.length ? h("p", {}, `${chosen.length - all.length} more findings are not printed; filter them.`) : "");
}

byId("command").append(seen(data.command.join(" ")));
byId("theme").addEventListener("click", switchTheme);
byId("keys").addEventListener("click", keys["?"]);
systemDark.addEventListener("change", drawTheme);
window.addEventListener("hashchange", drawDetail);
window.addEventListener("beforeprint", preparePaper);
window.addEventListener("afterprint", () => byId("print").replaceChildren());
document.addEventListener("keydown", keyPressed);
drawTheme();
drawFilters();
drawList();
drawDetail();
