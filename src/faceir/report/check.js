"use strict";
const facts = JSON.parse(document.getElementById("facts").textContent);
const items = [...document.querySelectorAll(".finding")];
const numberOf = (item) => item.id.slice("finding-".length);
const status = document.getElementById("status");
const memory = "faceir-check-" + document.querySelector("main").dataset.check;  // of these findings alone

function judge(item, verdict) {
  const fact = facts[numberOf(item)];
  let note = "";
  if (verdict === "accepted" && fact.change && fact.change.line) {
    for (const other of items) {  // one line has one change
      const its = facts[numberOf(other)];
      if (other !== item && other.dataset.verdict === "accepted" && its.change && its.label === fact.label &&
          its.change.line === fact.change.line && its.change.text !== fact.change.text) {
        delete other.dataset.verdict;
        note = ` (${its.code} changes the same line: undecided again)`;
      }
    }
  }
  if (verdict) item.dataset.verdict = verdict; else delete item.dataset.verdict;
  tell(note);
}

function tell(note) {
  const count = (verdict) => items.filter((item) => item.dataset.verdict === verdict).length;
  status.textContent = `${count("accepted")} accepted, ${count("rejected")} rejected of ${items.length}${note}`;
  const kept = Object.fromEntries(items.filter((i) => i.dataset.verdict).map((i) => [numberOf(i), i.dataset.verdict]));
  try { localStorage.setItem(memory, JSON.stringify(kept)); } catch { /* not kept; the page works without */ }
}

function corrections() {
  const files = {}, rejected = [];
  for (const item of items) {
    const { picture, label, sha256, code, line, xyxy, change } = facts[numberOf(item)];
    if (item.dataset.verdict === "rejected") rejected.push({ picture, code, line, xyxy });
    if (item.dataset.verdict !== "accepted" || !change) continue;
    files[label] ??= { label, sha256, changes: [] };
    files[label].changes.push(change);
  }
  return { format: 1, files: Object.values(files), rejected };
}

function light(item, on) {
  document.querySelectorAll(`.of-${numberOf(item)}`).forEach((box) => box.classList.toggle("lit", on));
}

function go(step) {
  const shown = items.filter((item) => item.offsetParent !== null);
  const at = shown.indexOf(document.activeElement.closest(".finding"));
  const next = shown[at < 0 ? (step > 0 ? 0 : shown.length - 1) : at + step];
  if (next) { next.focus({ preventScroll: true }); next.closest("article").scrollIntoView({ block: "center" }); }
}

for (const item of items) {
  item.querySelector(".accept").addEventListener("click", () => judge(item, "accepted"));
  item.querySelector(".reject").addEventListener("click", () => judge(item, "rejected"));
  item.addEventListener("focusin", () => light(item, true));
  item.addEventListener("focusout", () => light(item, false));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
  const item = document.activeElement.closest(".finding");
  const verdict = { a: "accepted", r: "rejected", u: "" }[event.key];
  if (event.key === "j" || event.key === "k") go(event.key === "j" ? 1 : -1);
  else if (item && verdict !== undefined) { judge(item, verdict); if (verdict) go(1); }
});

document.getElementById("rule").addEventListener("change", (event) => {
  for (const item of items) item.hidden = event.target.value !== "" && item.dataset.code !== event.target.value;
  for (const article of document.querySelectorAll("article")) {
    article.hidden = !article.querySelector(".finding:not([hidden])");
  }
});

document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(corrections(), null, 1)], { type: "application/json" }));
  link.download = "corrections.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

try {
  for (const [number, verdict] of Object.entries(JSON.parse(localStorage.getItem(memory) ?? "{}"))) {
    const item = document.getElementById(`finding-${number}`);
    if (item) item.dataset.verdict = verdict;
  }
} catch { /* nothing was kept */ }
tell("");
