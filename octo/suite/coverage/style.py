"""The style sheet of the report."""

from __future__ import annotations

STYLE = """
:root {
  --paper: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5c6675; --line: #d8dde5; --track: #e4e8ee;
  --full: #1a7f4b; --full-soft: #e4f4ea; --part: #9a6200; --part-soft: #fdf1d8; --none: #b3282d; --none-soft: #fce6e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161c; --card: #1a2029; --ink: #e4e8ee; --soft: #98a3b3; --line: #323b48; --track: #2a323e;
    --full: #5cc98c; --full-soft: #16301f; --part: #e4b04a; --part-soft: #34290f; --none: #f08a8a; --none-soft: #3a1b1d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1500px; margin: 0 auto; padding: 24px clamp(12px, 3vw, 40px) 64px; }
code { font: 12.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
h1 { font-size: 22px; margin: 0; }
.full { --hue: var(--full); --tint: var(--full-soft); }
.part { --hue: var(--part); --tint: var(--part-soft); }
.none { --hue: var(--none); --tint: var(--none-soft); }
.name { overflow-wrap: anywhere; }

header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 20px; }
.total { margin: 0; font-size: 34px; font-weight: 700; color: var(--hue); }
.tiles { flex-basis: 100%; display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px;
  color: var(--soft); }
.tile b { color: var(--ink); }
progress { appearance: none; display: block; width: 100%; height: 6px; border: 0; border-radius: 3px; overflow: hidden;
  background: var(--track); }
.tile progress { margin-top: 6px; }
progress::-webkit-progress-bar { background: var(--track); }
progress::-webkit-progress-value { background: var(--hue); }
progress::-moz-progress-bar { background: var(--hue); }

.file { margin: 28px 0 6px; font-size: 14px; font-weight: 600; color: var(--soft); overflow-wrap: anywhere; }
.index { list-style: none; margin: 0; padding: 0; border-radius: 8px; background: var(--card);
  border: 1px solid var(--line); }
.index li { display: grid; grid-template-columns: 18px minmax(0, 1fr) minmax(60px, 220px) 56px 92px; gap: 10px;
  align-items: center; padding: 7px 12px; border-top: 1px solid var(--line); }
.index li:first-child { border-top: 0; }
.index .sign, .percent { color: var(--hue); }
.percent { font-weight: 600; text-align: right; }
.missed { color: var(--soft); text-align: right; font-size: 13px; }
a { color: inherit; text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }

section { margin-top: 44px; scroll-margin-top: 12px; }
section h2 { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin: 0; font-size: 19px; }
.badge { font-size: 14px; padding: 1px 10px; border-radius: 99px; color: var(--hue); background: var(--tint); }
.calls, .place { font-size: 13px; font-weight: 400; color: var(--soft); }
.place { margin: 0 0 10px; overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 18px; align-items: start; }
@media (min-width: 1000px) { .columns { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }

.lanes, .branches { display: flex; flex-wrap: wrap; gap: 10px; align-items: flex-start; }
.lane { flex: 1 1 200px; min-width: 0; }
.lane:first-child { flex: 3 1 380px; }
.chain { list-style: none; margin: 0; padding: 0; }
.chain > li + li { position: relative; padding-top: 14px; }
.chain > li + li::before { content: ""; position: absolute; top: 0; left: 22px; height: 14px;
  border-left: 2px solid var(--line); }
.box { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--hue); border-radius: 7px; }
.plain { background: var(--tint); }
.title { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; padding: 5px 10px; }
.frame > .title { background: var(--tint); border-radius: 0 6px 0 0; }
.box > .title > .name { font-weight: 600; }
.sign { color: var(--hue); font-weight: 700; }
.type { font-size: 12.5px; color: var(--soft); }
.hits { margin-left: auto; font-size: 12.5px; color: var(--hue); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.failed { font-size: 12.5px; color: var(--soft); }
.decisions { list-style: none; margin: 0; padding: 2px 10px 6px; }
.decisions li, .note { overflow-wrap: anywhere; }
.outcome { display: inline-block; font-size: 12px; line-height: 1.5; padding: 0 7px; margin: 0 4px 2px 0;
  border-radius: 10px; max-width: 100%; color: var(--hue); background: var(--tint); border: 1px solid; }
.branches { padding: 8px; }
.branch { flex: 1 1 170px; min-width: 0; border: 1px dashed var(--hue); border-radius: 7px; padding-bottom: 8px; }
.branch:has(.branches) { flex-basis: 320px; }
.branch.error { border-style: dotted; border-width: 2px; }
.branch > .title { font-size: 13px; }
.branch > .chain { padding: 0 8px; }
.empty { margin: 0; padding: 2px 10px; font-size: 12.5px; color: var(--soft); font-style: italic; }

.source { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 0;
  overflow-x: auto; }
.line { display: flex; width: max-content; min-width: 100%; border-left: 4px solid transparent; }
.line.full, .line.part, .line.none { border-left-color: var(--hue); background: var(--tint); }
.line code { white-space: pre; padding-right: 12px; }
.number { flex: none; width: 44px; padding-right: 12px; text-align: right; color: var(--soft);
  font: 12px/20px ui-monospace, monospace; user-select: none; }
.note { padding: 2px 12px 3px 48px; font-size: 12.5px; color: var(--soft); }
.note code::before { content: "↳ "; }
@media (max-width: 560px) {
  .index li { grid-template-columns: 18px minmax(0, 1fr) 56px; }
  .index progress { grid-column: 2 / 4; grid-row: 2; }
  .missed { display: none; }
  .number { width: 34px; padding-right: 8px; }
  .note { padding-left: 38px; }
  .branches { padding: 5px; gap: 6px; }
  .branch > .chain { padding: 0 4px; }
}
@media print { main { max-width: none; } section { break-inside: avoid; } }
"""
