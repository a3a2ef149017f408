// The schema reader against the published golden frames: node --test clients/node

import assert from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decimal, loadSchema, splitFrames, units } from "./schema.mjs";

const schema = loadSchema(new URL("../../engine/wire/schema/portcullis-sbe.xml", import.meta.url));

/** Message, instance, fields as written, and the frame, of every entry of the file. */
function golden() {
  const text = readFileSync(new URL("../../engine/wire/golden/frames.txt", import.meta.url), "ascii");
  const entries = text.split("\n").filter((line) => !line.startsWith("#")).join("\n").split("\n\n");
  return entries.filter((entry) => entry.trim()).map((entry) => {
    const [head, ...lines] = entry.trim().split("\n");
    const fields = lines.map((line) => /^\s*(\w+) = (.*)$/.exec(line).slice(1));
    const frame = Buffer.from(fields.pop()[1], "hex");
    return { name: head.split(" ")[0], label: head, fields, frame };
  });
}

const shown = (value) => (value === null ? "null" : String(value));

test("every golden frame decodes to its fields, and they encode to its bytes", () => {
  const seen = new Set();
  for (const { name, label, fields, frame } of golden()) {
    seen.add(name);
    const { message, ...decoded } = schema.decode(frame);
    assert.equal(message, name);
    const expected = fields.map(([field, value]) => [field, value.replace(/^"(.*)"$/, "$1")]);
    assert.deepEqual(Object.entries(decoded).map(([field, value]) => [field, shown(value)]), expected, label);
    assert.equal(schema.encode(name, decoded).toString("hex"), frame.toString("hex"), label);
  }
  assert.equal(seen.size * 2, schema.messages.size);
});

test("frames come out whole however they are cut", () => {
  const stream = Buffer.concat(golden().map((entry) => entry.frame));
  let [rest, count] = [Buffer.alloc(0), 0];
  for (let at = 0; at < stream.length; at += 7) {
    const [frames, left] = splitFrames(Buffer.concat([rest, stream.subarray(at, at + 7)]));
    [rest, count] = [left, count + frames.length];
  }
  assert.equal(count, golden().length);
  assert.throws(() => splitFrames(Buffer.from("0b0050eb", "hex")), /not a frame/);
});

test("decimals are exact or refused", () => {
  for (const text of ["0", "585.25", "-0.00000001", "92233720368.54775807"]) assert.equal(decimal(units(text)), text);
  for (const text of ["", "1.123456789", "1e3", "0x1", "."]) assert.throws(() => units(text), /is not a number/);
});
