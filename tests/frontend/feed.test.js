import assert from "node:assert/strict";
import { mock, test } from "node:test";

globalThis.HTMLElement = class {};
const { Feed } = await import("./base.js");

/** The connection of the frontend, as far as a feed knows it. */
class Connection extends EventTarget {
  asked = [];
  open = new Set();
  refuse = "";

  async subscribeMessage(callback, message, options) {
    this.asked.push([message, options]);
    if (this.refuse) throw { code: this.refuse };
    this.open.add(callback);
    return async () => {
      this.open.delete(callback);
      throw new Error("the other side is gone");
    };
  }

  say(event) {
    for (const callback of [...this.open]) callback(event);
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function listen(connection) {
  const heard = [];
  const feed = new Feed(connection, { type: "x" }, {
    heard: (event) => heard.push(event) && event !== "the end",
    refused: ({ code }) => heard.push(`refused: ${code}`),
    lost: () => heard.push("lost"),
  });
  return { feed, heard };
}

test("what is said is heard until the feed is closed", async () => {
  const connection = new Connection();
  const { feed, heard } = listen(connection);
  await settled();
  connection.say(1);
  feed.close();
  connection.say(2);
  await settled();
  assert.deepEqual([heard, connection.open.size], [[1], 0]);
  connection.dispatchEvent(new Event("ready"));
  await settled();
  assert.equal(connection.asked.length, 1);
});

test("a feed that is closed before it is answered leaves nothing open", async () => {
  const connection = new Connection();
  listen(connection).feed.close();
  await settled();
  assert.equal(connection.open.size, 0);
});

test("the feed comes back with the connection, once", async () => {
  const connection = new Connection();
  const { feed, heard } = listen(connection);
  await settled();
  connection.dispatchEvent(new Event("disconnected"));
  connection.dispatchEvent(new Event("ready"));
  await settled();
  connection.say(1);
  assert.deepEqual([heard, connection.asked.length], [["lost", 1], 2]);
  // The library would open a second one beside ours.
  assert.deepEqual(connection.asked[0], [{ type: "x" }, { resubscribe: false }]);
  feed.close();
});

test("the feed is opened anew when the other side ends it", async () => {
  const connection = new Connection();
  const { feed, heard } = listen(connection);
  await settled();
  connection.say("the end");
  await settled();
  connection.say(2);
  assert.deepEqual([heard, connection.asked.length, connection.open.size], [["the end", 2], 2, 1]);
  feed.close();
});

test("what is refused is tried again, more and more rarely", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const connection = new Connection();
  connection.refuse = "unknown_command";
  const { feed, heard } = listen(connection);
  await settled();
  for (const wait of [2000, 4000, 8000]) {
    const before = connection.asked.length;
    mock.timers.tick(wait - 1);
    assert.equal(connection.asked.length, before);
    mock.timers.tick(1);
    await settled();
    assert.equal(connection.asked.length, before + 1);
  }
  connection.refuse = "";
  mock.timers.tick(16_000);
  await settled();
  connection.say("again");
  assert.deepEqual(heard.slice(-2), ["refused: unknown_command", "again"]);
  feed.close();
  mock.timers.reset();
});

test("nobody tries again after the feed is closed", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const connection = new Connection();
  connection.refuse = "not_set_up";
  const { feed } = listen(connection);
  await settled();
  feed.close();
  mock.timers.tick(120_000);
  await settled();
  assert.equal(connection.asked.length, 1);
  mock.timers.reset();
});
