import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { chooseProtocol, openChannelSocket, requestedProtocols, type ChannelSocket } from "./channel-socket.ts";
import { remoteCommandProtocols } from "./remote-command.ts";

type Happening = readonly ["message", number, string] | readonly ["closed channel", number] | readonly ["closed"];

interface Pair extends AsyncDisposable {
  readonly client: WebSocket;
  readonly channels: ChannelSocket;
  /** Resolves with what happened on the server's side, as soon as there is so much of it. */
  happened(count: number): Promise<readonly Happening[]>;
  /** What the client heard: text as it is, bytes in hexadecimal. */
  heard(count: number): Promise<readonly string[]>;
  readonly clientClosed: Promise<number>;
}

/** Collects what comes, for whoever waits until there is enough. */
function collector<T>(): { readonly add: (item: T) => void; readonly first: (count: number) => Promise<readonly T[]> } {
  const items: T[] = [];
  let more = Promise.withResolvers<void>();
  return {
    add: (item) => {
      items.push(item);
      more.resolve();
      more = Promise.withResolvers<void>();
    },
    first: async (count) => {
      while (items.length < count) await more.promise;
      return items;
    },
  };
}

async function connected(protocol: string): Promise<Pair> {
  const [happenings, messages] = [collector<Happening>(), collector<string>()];
  const opened = Promise.withResolvers<ChannelSocket>();
  const server = createServer().on("upgrade", (request, socket, head) => {
    openChannelSocket(request, socket, head, protocol, {
      onMessage: (channel, data) => happenings.add(["message", channel, data.toString()]),
      onChannelClosed: (channel) => happenings.add(["closed channel", channel]),
      onClosed: () => happenings.add(["closed"]),
    }).then(opened.resolve, opened.reject);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, protocol === "" ? [] : [protocol]);
  client.on("message", (data: Buffer, binary: boolean) => messages.add(binary ? data.toString("hex") : data.toString()));
  const closed = new Promise<number>((resolve) => client.on("close", resolve));
  await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
  return {
    client, channels: await opened.promise, happened: happenings.first, heard: messages.first, clientClosed: closed,
    async [Symbol.asyncDispose]() {
      client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("binary protocols: the first byte is the channel", async () => {
  for (const protocol of ["", "channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io"]) {
    await using pair = await connected(protocol);
    assert.equal(pair.client.protocol, protocol);
    pair.client.send(Buffer.from("\0input"));
    pair.client.send(Buffer.from([4]));
    pair.client.send(Buffer.alloc(0));
    pair.client.send(Buffer.from("\x04{}"));
    assert.deepEqual(await pair.happened(3), [["message", 0, "input"], ["message", 4, ""], ["message", 4, "{}"]], protocol);
    await pair.channels.send(1, Buffer.from("out"));
    await pair.channels.send(3, new Uint8Array());
    assert.deepEqual(await pair.heard(2), ["016f7574", "03"], protocol);
  }
});

test("base64 protocols: the first letter is the channel, the rest text", async () => {
  for (const protocol of ["base64.channel.k8s.io", "v4.base64.channel.k8s.io"]) {
    await using pair = await connected(protocol);
    pair.client.send(`0${Buffer.from("input ÿ").toString("base64")}`);
    assert.deepEqual(await pair.happened(1), [["message", 0, "input ÿ"]]);
    await pair.channels.send(2, Buffer.from("error"));
    assert.deepEqual(await pair.heard(1), [`2${Buffer.from("error").toString("base64")}`]);
  }
});

test("a client closes one channel from version 5 on; before, 255 is a channel like others", async () => {
  await using five = await connected("v5.channel.k8s.io");
  five.client.send(Buffer.from([255, 0]));
  assert.deepEqual(await five.happened(1), [["closed channel", 0]]);
  await using four = await connected("v4.channel.k8s.io");
  four.client.send(Buffer.from([255, 0]));
  assert.deepEqual(await four.happened(1), [["message", 255, "\0"]]);
});

test("an end is a normal one, an abort is none", async () => {
  await using ended = await connected("v5.channel.k8s.io");
  ended.channels.close();
  assert.equal(await ended.clientClosed, 1000);
  assert.deepEqual(await ended.happened(1), [["closed"]]);
  await using aborted = await connected("v5.channel.k8s.io");
  aborted.channels.abort();
  assert.equal(await aborted.clientClosed, 1006);
});

test("a client that goes is noticed, and what is sent to it goes nowhere", async () => {
  await using pair = await connected("v5.channel.k8s.io");
  pair.client.terminate();
  assert.deepEqual(await pair.happened(1), [["closed"]]);
  await pair.channels.send(1, Buffer.from("x"));
});

test("while reading is paused, messages wait", async () => {
  await using pair = await connected("v5.channel.k8s.io");
  pair.channels.pause();
  pair.client.send(Buffer.from("\0later"));
  pair.channels.resume();
  assert.deepEqual(await pair.happened(1), [["message", 0, "later"]]);
});

test("the client's first choice that we know is taken", () => {
  const table: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, ""], ["v5.channel.k8s.io", "v5.channel.k8s.io"], ["v4.channel.k8s.io, v5.channel.k8s.io", "v4.channel.k8s.io"], ["v9.channel.k8s.io,channel.k8s.io", "channel.k8s.io"], ["v9.channel.k8s.io", undefined],
  ];
  for (const [header, expected] of table) {
    const request = { headers: header === undefined ? {} : { "sec-websocket-protocol": header } } as IncomingMessage;
    assert.equal(chooseProtocol(requestedProtocols(request), remoteCommandProtocols), expected, header ?? "none asked for");
  }
});
