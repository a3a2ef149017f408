// An example desk in Node.js, without packages. With a server of the example firm (portcullis serve):
//
//   node clients/node/desk.mjs [--data portcullis-data] [--qty 100] [--price 585.00]
//
// As desk 2 of that firm, which is a sidecar: it gets the decision and trades at the venue itself. The
// program places an order, loses its line on purpose, takes the session up again, and has the order cancelled.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Client } from "./client.mjs";
import { decimal, loadSchema, units } from "./schema.mjs";

const { values: given } = parseArgs({
  options: {
    data: { type: "string", default: "portcullis-data" },
    qty: { type: "string", default: "100" },
    price: { type: "string", default: "585.00" },
  },
});
const [host, port] = readFileSync(`${given.data}/address`, "utf8").trim().split(":");
const client = new Client({
  host,
  port: Number(port),
  schema: loadSchema(new URL("../../engine/wire/schema/portcullis-sbe.xml", import.meta.url)),
  sessionId: 2,
  role: "Desk",
  instance: "example",
  seed: Buffer.from(readFileSync(`${given.data}/keys/desk2.key`, "utf8").trim(), "hex"),
});

const ack = await client.connect();
console.log(`logged on in epoch ${ack.epoch}, next number ${client.nextSeqNo}`);

// clOrdIds rise for the life of a session, and so do its sequence numbers: one serves as the other.
const clOrdId = client.nextSeqNo;
client.send("NewOrder", {
  clOrdId,
  price: units(given.price),
  qty: units(given.qty),
  account: 4,
  instrumentId: 1,
  traderId: 3,
  side: "Buy",
  ordType: "Limit",
  tif: "Day",
  capacity: "Principal",
});

// The line breaks before the answer is read. The server may or may not have the order; the session knows.
client.socket.destroy();
await client.receive().catch((error) => console.log(`broken: ${error.message}`));
await client.connect();
console.log("taken up again");

const answer = await client.receive();
if (answer.message === "OrderRejected") {
  console.log(`rejected with code ${answer.code}: ${answer.limitKind} of ${answer.limitScope} ${answer.scopeId} is ${answer.limitValue}, this order reaches ${answer.observedValue}`);
  await client.close();
  process.exit(6);
}
console.log(`accepted: order ${answer.orderId}, clOrdId ${answer.clOrdId}`);

client.send("CancelOrder", { clOrdId: client.nextSeqNo, origClOrdId: clOrdId, traderId: 3 });
await client.receive();
// A sidecar desk reports what its venue says; here the venue is made up.
client.send("VenueReport", {
  clOrdId,
  venueExecId: 0n,
  lastQty: 0n,
  transactTime: BigInt(Date.now()) * 1_000_000n,
  tradeDate: Number(new Date().toISOString().slice(0, 10).replaceAll("-", "")),
  account: 4,
  instrumentId: 1,
  venueId: 1,
  execType: "Cancelled",
  side: "Buy",
  liquidity: "Unknown",
  reopen: "No",
  reason: "Requested",
});
const cancelled = await client.receive();
console.log(`${cancelled.message}: ${decimal(cancelled.cancelledQty)}`);
await client.close();
