// Messages from the published SBE schema, without a code generator: the XML is read when the program
// starts, so that a new field or message is there as soon as it is in the file.
//
// Integers of 8 bytes are BigInt, shorter ones are numbers, enums are their names, text is a string, null is
// null. Prices and quantities stay integers here; `decimal` and `units` turn them into text and back.

import { readFileSync } from "node:fs";

const MARKER = 0xeb50;
const HEADER = 12;

/** Reads the schema and returns what encodes and decodes its messages. */
export function loadSchema(path) {
  const xml = readFileSync(path, "utf8").replace(/<!--[\s\S]*?-->/g, "");
  const tags = [...xml.matchAll(/<(\/?)([\w:]+)((?:\s+[\w:]+="[^"]*")*)\s*(\/?)>([^<]*)/g)];
  const types = new Map();
  const messages = new Map();
  const schema = { id: 0, version: 0 };
  let enumeration, message;
  for (const [, closing, tag, attributes, , text] of tags) {
    if (closing) continue;
    const of = Object.fromEntries([...attributes.matchAll(/([\w:]+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
    if (tag === "sbe:messageSchema") {
      schema.id = Number(of.id);
      schema.version = Number(of.version);
    } else if (tag === "type") {
      types.set(of.name, { primitive: of.primitiveType, length: Number(of.length ?? 1), null: of.nullValue });
    } else if (tag === "enum") {
      enumeration = { primitive: "uint8", length: 1, null: "255", values: new Map() };
      types.set(of.name, enumeration);
    } else if (tag === "validValue") {
      enumeration.values.set(Number(text), of.name);
    } else if (tag === "sbe:message") {
      message = { name: of.name, id: Number(of.id), length: Number(of.blockLength), fields: [] };
      messages.set(message.id, message).set(message.name, message);
    } else if (tag === "field") {
      const type = types.get(of.type);
      message.fields.push({ name: of.name, offset: Number(of.offset), optional: of.presence === "optional", type });
    }
  }
  return { ...schema, messages, encode, decode };

  /** One frame, as it goes over TCP. Fields that are not given are zero, empty, or null where they may be. */
  function encode(name, values) {
    const { id, length, fields } = messages.get(name);
    const frame = Buffer.alloc(HEADER + length);
    [frame.length, MARKER, length, id, schema.id, schema.version].forEach((n, i) => frame.writeUInt16LE(n, 2 * i));
    for (const field of fields) write(frame, HEADER + field.offset, field, values[field.name]);
    const unknown = Object.keys(values).find((key) => !fields.some((field) => field.name === key));
    if (unknown) throw new Error(`${name} has no field ${unknown}`);
    return frame;
  }

  /** The message of one whole frame; undefined for one that this schema does not have. */
  function decode(frame) {
    const found = messages.get(frame.readUInt16LE(6));
    if (!found) return undefined;
    const block = frame.subarray(HEADER);
    if (block.length < found.length) throw new Error(`${found.name}: block of ${block.length} bytes is too short`);
    const decoded = { message: found.name };
    for (const field of found.fields) decoded[field.name] = read(block, field);
    return decoded;
  }
}

/** Takes whole frames off the front of `bytes`; returns them and what is left. */
export function splitFrames(bytes) {
  const frames = [];
  while (bytes.length >= 4) {
    const length = bytes.readUInt16LE(0);
    if (length < HEADER || length > 512 || bytes.readUInt16LE(2) !== MARKER) {
      throw new Error(`not a frame: ${bytes.subarray(0, 12).toString("hex")}`);
    }
    if (bytes.length < length) break;
    frames.push(bytes.subarray(0, length));
    bytes = bytes.subarray(length);
  }
  return [frames, bytes];
}

function write(frame, at, { name, optional, type }, value) {
  if (type.primitive === "char") {
    const text = value ?? "";
    if (!/^[ -~]*$/.test(text) || text.length > type.length) throw new Error(`${name}: ${JSON.stringify(text)}`);
    frame.write(text, at, "latin1");
    return;
  }
  let number = value;
  if (number === undefined || number === null) {
    if (type.values && !optional) throw new Error(`${name} must be one of ${[...type.values.values()].join(", ")}`);
    number = optional ? type.null : 0;
  } else if (type.values) {
    number = [...type.values].find(([, known]) => known === value)?.[0];
    if (number === undefined) throw new Error(`${name}: ${value} is not one of ${[...type.values.values()].join(", ")}`);
  }
  switch (type.primitive) {
    case "uint8": return frame.writeUInt8(Number(number), at);
    case "uint16": return frame.writeUInt16LE(Number(number), at);
    case "uint32": return frame.writeUInt32LE(Number(number), at);
    case "uint64": return frame.writeBigUInt64LE(BigInt(number), at);
    case "int64": return frame.writeBigInt64LE(BigInt(number), at);
    default: throw new Error(`${name}: type ${type.primitive} is not known here`);
  }
}

function read(block, { name, offset, optional, type }) {
  const value = {
    char: () => block.toString("latin1", offset, offset + type.length).replace(/\0+$/, ""),
    uint8: () => block.readUInt8(offset),
    uint16: () => block.readUInt16LE(offset),
    uint32: () => block.readUInt32LE(offset),
    uint64: () => block.readBigUInt64LE(offset),
    int64: () => block.readBigInt64LE(offset),
  }[type.primitive]();
  if (optional && String(value) === type.null) return null;
  if (!type.values) return value;
  if (!type.values.has(value)) throw new Error(`${name}: ${value} is not a value of its enum`);
  return type.values.get(value);
}

/** "585.25" as an integer of 10⁻⁸, exactly or not at all. */
export function units(text, digits = 8) {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!parts || (parts[3] ?? "").length > digits) throw new Error(`${text} is not a number with at most ${digits} decimals`);
  return BigInt(parts[1] + parts[2] + (parts[3] ?? "").padEnd(digits, "0"));
}

/** An integer of 10⁻⁸ as text. */
export function decimal(integer, digits = 8) {
  const text = String(integer < 0n ? -integer : integer).padStart(digits + 1, "0");
  const fraction = text.slice(-digits).replace(/0+$/, "");
  return (integer < 0n ? "-" : "") + text.slice(0, -digits) + (fraction && `.${fraction}`);
}
