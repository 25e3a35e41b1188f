// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the other scripts use: the data with its tables looked up, and the making
// of elements. Text only ever becomes text: nothing is parsed as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// Control characters, and what is none at all, are shown as their codes.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]/g;
const seen = (value) => typeof value === "string"
  ? value.replace(UNSEEN, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`) : value;

// An element: attributes (a function listens), then children, texts or null.
function make(space, name, attributes, children) {
  const element = space === null ? document.createElement(name)
    : document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : seen(value));
    }
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(seen(child));
    }
  }
  return element;
}
const h = (name, attributes, ...children) => make(null, name, attributes, children);
const svg = (name, attributes, ...children) =>
  make("http://www.w3.org/2000/svg", name, attributes, children);

const text = (number) => number < 0 ? null : data.strings[number];
const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
const base = (path) => path.slice(path.lastIndexOf("/") + 1);
const hex = (number) => "0x" + number.toString(16);

function frameOf(number) {
  const [file, shown, line, column, name, module, offset, inlined] = data.frames[number];
  return { file: text(file), shown: text(shown), line, column, name: text(name),
    module: text(module), offset, inlined: inlined !== 0 };
}

// The frames of a stack, innermost first; `.shown` is the one to look at.
function stackOf(number) {
  if (number < 0) {
    return null;
  }
  const [shown, ...frames] = data.stacks[number];
  return { frames: frames.map(frameOf), shown: frameOf(frames[shown]) };
}

// "queue.c:31", or what else is known of a frame.
function placeText(frame) {
  if (frame.file !== null && frame.line !== 0) {
    return `${frame.shown}:${frame.line}`;
  }
  return frame.name || `${frame.module === null ? "unknown" : base(frame.module)}+${hex(frame.offset)}`;
}
function frameText(frame) {
  const place = placeText(frame);
  return frame.name !== null && frame.name !== place ? `${place} in ${frame.name}` : place;
}

const severalPools = new Set(data.findings.flatMap((finding) =>
  [finding.store, finding.missing].filter((access) => access && access[1] >= 0)
    .map((access) => access[1]))).size > 1;

// "pool+0x40", with the file's name if there are several pools.
function addressText(pool, offset) {
  const path = text(pool);
  return `${severalPools && path !== null ? base(path) : "pool"}+${hex(offset)}`;
}

// One line of a source file, or null.
function sourceLine(file, line) {
  const source = file === null ? undefined : data.sources[file];
  for (const run of (source && source.runs) || []) {
    if (line >= run[0] && line < run[0] + run.length - 1) {
      return run[line - run[0] + 1];
    }
  }
  return null;
}
