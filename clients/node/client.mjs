// One session with a Portcullis server: logon, sequence numbers, heartbeats, resume. Node.js, no packages.
//
//   const client = new Client({ host, port, schema, sessionId, role, instance, seed });
//   await client.connect();
//   client.send("NewOrder", { clOrdId: 1n, … });
//   for await (const message of client) …
//
// After a broken line `connect` again: the session goes on where it was. Everything here comes from
// docs/protocol.md; the numbers in brackets are its sections.

import { createPrivateKey, sign } from "node:crypto";
import { connect } from "node:net";
import { splitFrames } from "./schema.mjs";

const REPLY_REQUESTED = 4;
const POSS_DUP = 1;
/** What stands before the 32 bytes of an Ed25519 seed in PKCS #8, which is what Node reads. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

export class Client {
  constructor({ host, port, schema, sessionId, role, instance, seed, keyId = 1, keepAliveMs = 5000 }) {
    Object.assign(this, { host, port, schema, sessionId, role, instance, keyId, keepAliveMs });
    this.key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
    this.epoch = 0n;
    /** Number of the next request, and of the next reply that has not been processed [3]. */
    this.nextSeqNo = 0n;
    this.nextExpected = 0n;
    /** Requests that the server may not have applied durably. */
    this.unapplied = [];
    this.messages = [];
    this.waiting = [];
  }

  /** Connects and logs on; resolves with the LogonAck, rejects with what was wrong. */
  connect() {
    this.socket?.destroy();
    this.ack = undefined;
    this.failure = undefined;
    this.peerTime = 0n;
    this.heard = Date.now();
    let bytes = Buffer.alloc(0);
    const socket = (this.socket = connect(this.port, this.host).setNoDelay(true));
    socket.on("data", (data) => {
      this.heard = Date.now();
      try {
        let frames;
        [frames, bytes] = splitFrames(Buffer.concat([bytes, data]));
        for (const frame of frames) this.#take(this.schema.decode(frame));
      } catch (error) {
        this.#fail(error);
      }
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
    return new Promise((resolve, reject) => (this.logon = { resolve, reject }));
  }

  /** Numbers a request, sends it, and keeps it until it is durable; returns its number. */
  send(message, fields) {
    if (this.nextSeqNo === 0n) throw new Error("not logged on yet");
    const request = { message, fields: { ...fields, seqNo: this.nextSeqNo } };
    const frame = this.schema.encode(message, request.fields);
    this.unapplied.push(request);
    this.nextSeqNo += 1n;
    if (this.ack) this.socket.write(frame);
    return request.fields.seqNo;
  }

  /** The next message of the outbound log, each exactly once and in order; or the answer to a query. */
  async receive() {
    if (this.messages.length > 0) return this.messages.shift();
    if (this.failure) throw this.failure;
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  async *[Symbol.asyncIterator]() {
    for (;;) yield await this.receive();
  }

  /** Ends the connection in an orderly way and waits for the server's word. */
  async close() {
    const closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.write(this.schema.encode("Terminate", { nextSeqNo: this.nextSeqNo, lastAppliedSeqNo: this.#heardUpTo() }));
    this.closing = true;
    await closed;
  }

  #take(message) {
    if (!message) throw new Error("a message that the schema does not have");
    switch (message.message) {
      case "Hello": return this.#logOn(message);
      case "LogonAck": return this.#loggedOn(message);
      case "LogonReject": throw new Error(`logon refused with code ${message.code}, nextSeqNo ${message.nextSeqNo}, retry after ${message.retryAfterMs} ms`);
      case "Heartbeat":
        this.peerTime = message.sendTime;
        this.#applied(message.lastAppliedSeqNo);
        if (message.flags & REPLY_REQUESTED) this.#beat(0);
        return;
      case "ReplayComplete": return;
      case "Terminate":
        this.#applied(message.lastAppliedSeqNo);
        throw new Error(this.closing ? "closed" : `the server ended the session with code ${message.code}`);
    }
    if (message.seqNo !== 0n) {
      if (message.seqNo < this.nextExpected) return;
      if (message.seqNo > this.nextExpected) throw new Error(`expected message ${this.nextExpected}, got ${message.seqNo}`);
      this.nextExpected += 1n;
    }
    const waiting = this.waiting.shift();
    if (waiting) waiting.resolve(message);
    else this.messages.push(message);
  }

  /** The signature covers a context, the server's instance and challenge, and the Logon up to itself [2]. */
  #logOn(hello) {
    if (hello.instance !== this.instance) throw new Error(`the server is ${hello.instance}, not ${this.instance}: nothing was signed`);
    const fields = {
      sessionId: this.sessionId, epoch: this.epoch, nextExpectedSeqNo: this.nextExpected, keepAliveMs: this.keepAliveMs,
      codMode: "Off", role: this.role, appName: "node-example", appVersion: "1", keyId: this.keyId,
    };
    const root = this.schema.encode("Logon", fields).subarray(12);
    const padded = (text, size) => Buffer.from(text.padEnd(size, "\0"), "latin1");
    const signed = Buffer.concat([
      Buffer.from("portcullis-logon-v1"), padded(hello.instance, 16), padded(hello.challenge, 32), root.subarray(0, 60),
    ]);
    fields.signature = sign(null, signed, this.key).toString("hex");
    this.socket.write(this.schema.encode("Logon", fields));
  }

  #loggedOn(ack) {
    this.ack = ack;
    this.epoch = ack.epoch;
    if (this.nextExpected === 0n) this.nextExpected = ack.nextSeqNo;
    this.#applied(ack.lastAppliedSeqNo);
    if (this.nextSeqNo <= ack.lastAppliedSeqNo) this.nextSeqNo = ack.lastAppliedSeqNo + 1n;
    for (const { message, fields } of this.unapplied) {
      this.socket.write(this.schema.encode(message, { ...fields, flags: (fields.flags ?? 0) | POSS_DUP }));
    }
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#tick(), ack.keepAliveMs).unref();
    this.logon.resolve(ack);
  }

  /** Once an interval: a heartbeat, a question after two silent ones, the end after three. */
  #tick() {
    const silence = Date.now() - this.heard;
    if (silence > 3 * this.ack.keepAliveMs) this.#fail(new Error(`nothing heard for ${silence} ms`));
    else this.#beat(silence > 2 * this.ack.keepAliveMs ? REPLY_REQUESTED : 0);
  }

  #beat(flags) {
    const sendTime = BigInt(Date.now()) * 1_000_000n;
    this.socket.write(this.schema.encode("Heartbeat", {
      flags, sendTime, echoTime: this.peerTime, nextSeqNo: this.nextSeqNo, lastAppliedSeqNo: this.#heardUpTo(),
    }));
  }

  #heardUpTo() {
    return this.nextExpected > 0n ? this.nextExpected - 1n : 0n;
  }

  #applied(seqNo) {
    this.unapplied = this.unapplied.filter((request) => request.fields.seqNo > seqNo);
  }

  #fail(error) {
    if (this.failure) return;
    this.failure = error;
    this.ack = undefined;
    clearInterval(this.timer);
    this.socket.destroy();
    this.logon.reject(error);
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
