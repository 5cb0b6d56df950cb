// @ts-check
/** The files of an integration as plain text. A save names the ETag that it is based on, so nobody is overwritten. */

import { ask, at, address, Problem, read, unsaved } from "./api.js";
import { closable, confirmed } from "./asking.js";
import { area, button, dialog, element, fill, form, get, h } from "./dom.js";
import { workspace } from "./place.js";
import { pressed, say, sent } from "./say.js";
import * as session from "./session.js";
import { size } from "./shown.js";

/** @typedef {{path: string, kind: string, size: number, etag: string}} File */

export class Editor {
  /** @param {string} integration its path in the API */
  constructor(integration) {
    this.integration = integration;
    /** @type {File[]} */
    this.files = [];
    this.path = "";
    this.etag = "";
    this.stored = "";
    this.theirs = "";
    this.crlf = false;
    this.content = area("#content");
    this.content.readOnly = !session.may("integrations.write", workspace);
    this.content.addEventListener("input", () => this.mark());
    for (const each of ["#save", "#add", "#remove"]) session.needs(button(each), "integrations.write", workspace);
    sent(form("#editor"), () => this.save());
    pressed(button("#remove"), () => this.remove());
    pressed(button("#mine"), () => this.overwrite());
    pressed(button("#take"), async () => this.show(this.path, area("#theirs").value, this.theirs));
    this.adding();
    unsaved.isThere = () => this.isDirty;
    window.addEventListener("beforeunload", (event) => this.isDirty && event.preventDefault());
    form("#editor").addEventListener("keydown", (event) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      button("#save").click(); // which a role may have switched off
    });
  }

  get isDirty() {
    return !this.content.hidden && this.content.value !== this.stored;
  }

  async load() {
    this.files = (await read(`${this.integration}/files`)).body;
    const first = this.files.find((each) => each.kind === "flow") ?? this.files[0];
    if (!this.files.some((each) => each.path === this.path)) this.path = "";
    this.list();
    if (!this.path && first) await this.open(first.path);
  }

  /** @param {string} path */
  at(path) {
    return this.integration + at`/files/${path}`;
  }

  list() {
    const rows = this.files.map((each) => {
      const open = h("button", { type: "button", "aria-current": each.path === this.path ? "true" : null });
      fill(open, h("span", { class: "cut mono" }, each.path), h("span", { class: "muted" }, `${each.kind}, ${size(each.size)}`));
      pressed(open, async () => void (await this.leave(each.path)));
      return h("li", {}, open);
    });
    fill(element("#files"), ...rows);
  }

  /** Open another file, unless something would be lost. @param {string} path */
  async leave(path) {
    const text = `What you have changed in ${this.path} is not saved.`;
    if (this.isDirty && !(await confirmed("Drop your changes?", text, "Drop"))) return false;
    await this.open(path);
    return true;
  }

  /** @param {string} path */
  async open(path) {
    const { body, etag } = await read(this.at(path));
    this.show(path, decoded(body), etag ?? "");
  }

  /** @param {string} path @param {string | null} text null: it is no text @param {string} etag */
  show(path, text, etag) {
    this.path = path;
    this.etag = etag;
    this.content.value = text ?? "";
    this.stored = this.content.value; // a text field keeps only \n
    this.crlf = text?.includes("\r\n") ?? false;
    element("label.text").hidden = this.content.hidden = text === null;
    element("#binary").hidden = text !== null;
    element("#conflict").hidden = true;
    fill(element("#path"), path);
    fill(element("#editor > .error"));
    const link = get("#download", HTMLAnchorElement);
    link.href = address(this.at(path));
    link.download = path.split("/").pop() ?? "";
    this.list();
    this.mark();
  }

  mark() {
    element("#dirty").hidden = !this.isDirty;
  }

  async save() {
    if (!this.path || this.content.hidden) return;
    const text = this.content.value; // one may go on typing meanwhile
    try {
      const raw = this.crlf ? text.replaceAll("\n", "\r\n") : text;
      const { etag } = await ask("PUT", this.at(this.path), { raw, match: this.etag });
      this.etag = etag ?? "";
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 412) throw error;
      return this.conflict();
    }
    this.stored = text;
    element("#conflict").hidden = true;
    this.mark();
    say(`${this.path} is saved.`, "ok");
    this.files = (await read(`${this.integration}/files`)).body;
    this.list();
  }

  async conflict() {
    const { body, etag } = await read(this.at(this.path));
    this.theirs = etag ?? "";
    area("#theirs").value = decoded(body) ?? "";
    element("#conflict").hidden = false;
    button("#mine").focus();
    say("Not saved: somebody else has changed this file.", "bad");
  }

  async overwrite() {
    this.etag = this.theirs;
    await this.save();
  }

  async remove() {
    if (!(await confirmed("Delete this file?", `${this.path} stays in the versions that have it.`, "Delete"))) return;
    await ask("DELETE", this.at(this.path), { match: this.etag });
    this.stored = this.content.value;
    await this.load();
  }

  adding() {
    const where = closable(dialog("#adding"));
    button("#add").addEventListener("click", () => where.showModal());
    sent(form("form", where), async () => {
      const path = get("[name=path]", HTMLInputElement, where).value.trim();
      const file = get("[name=file]", HTMLInputElement, where).files?.[0];
      await ask("PUT", this.at(path), { raw: file ?? "", create: true });
      where.close();
      await this.load();
      await this.leave(path);
    });
  }

  /** Go to a place in a file, if it is there. @param {string} path @param {number} line @param {number} column */
  async go(path, line, column) {
    if (!this.files.some((each) => each.path === path)) return;
    if (path !== this.path && !(await this.leave(path))) return;
    const lines = this.content.value.split("\n").slice(0, Math.max(0, line - 1));
    const place = lines.reduce((sum, each) => sum + each.length + 1, 0) + Math.max(0, column - 1);
    this.content.focus();
    this.content.setSelectionRange(place, place);
    const height = parseFloat(getComputedStyle(this.content).lineHeight);
    this.content.scrollTop = Math.max(0, (line - 5) * height);
  }
}

/** The text in some bytes; null if they are none. @param {ArrayBuffer} bytes */
function decoded(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
