// `object-store.ts <directory> <network>`: the part of S3 that the functions use, on the files of a directory, as fast as it
// is over the network (see network.ts); prints its port. MiniStack keeps objects in memory and moves some 130 MB/s, so that it,
// not the functions, would be what is measured. What this server takes of the cores is taken from them too, so it takes little.
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { NETWORK_NAMES, NETWORKS } from "./network.ts";

const [directory, networkName] = z.tuple([z.string(), z.enum(NETWORK_NAMES)]).parse(process.argv.slice(2));
const { s3Ms, s3MegabytesPerSecond } = NETWORKS[networkName];
const SEND_BYTES = 512 * 1024;

/** Lets a transfer take as long as it would over the network. */
function pacer(): (bytes: number) => Promise<void> {
  const started = performance.now();
  let transferred = 0;
  return async (bytes) => {
    transferred += bytes;
    const due = started + transferred / (s3MegabytesPerSecond * 1000);
    if (due > performance.now()) await sleep(due - performance.now());
  };
}

function xml(element: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><${element}>${content}</${element}>`;
}

async function list(bucket: string, prefix: string): Promise<string> {
  const root = path.join(directory, bucket);
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const keys = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((key) => key.startsWith(prefix))
    .sort();
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
  return xml("ListBucketResult", `<IsTruncated>false</IsTruncated>${contents}`);
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function receive(request: http.IncomingMessage, handle: FileHandle, position: number): Promise<void> {
  const pace = pacer();
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    await pace(chunk.length);
  }
  await handle.writev(chunks, position);
}

/** An object that comes in parts, each of which is written to its place: the real S3 takes nothing of a client's cores to join them. */
interface Upload {
  readonly file: string;
  readonly handle: FileHandle;
  /** Of every part but the last, as the first one to come has it. */
  partBytes: number;
}

const uploads = new Map<string, Upload>();

function uploadOf(id: string): Upload {
  const upload = uploads.get(id);
  if (upload === undefined) throw new Error(`there is no upload ${id}`);
  return upload;
}

async function beginUpload(file: string): Promise<string> {
  const id = randomUUID();
  await mkdir(path.dirname(file), { recursive: true });
  const partial = `${file}.${id}`;
  uploads.set(id, { file: partial, handle: await open(partial, "w"), partBytes: 0 });
  return id;
}

async function receivePart(request: http.IncomingMessage, upload: Upload, part: number): Promise<void> {
  const bytes = Number(request.headers["content-length"]);
  upload.partBytes ||= bytes;
  if (bytes > upload.partBytes) throw new Error("parts of unequal size, or the last one came first");
  await receive(request, upload.handle, (part - 1) * upload.partBytes);
}

async function endUpload(id: string): Promise<Upload> {
  const upload = uploadOf(id);
  uploads.delete(id);
  await upload.handle.close();
  return upload;
}

async function receiveObject(request: http.IncomingMessage, file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(file, "w");
  await receive(request, handle, 0);
  await handle.close();
}

async function* bytesOf(file: string, from: number, to: number): AsyncGenerator<Buffer> {
  const pace = pacer();
  const handle = await open(file);
  try {
    for (let position = from; position <= to; ) {
      const bytes = Buffer.allocUnsafe(Math.min(SEND_BYTES, to + 1 - position));
      await handle.read(bytes, 0, bytes.length, position);
      position += bytes.length;
      yield bytes;
      await pace(bytes.length);
    }
  } finally {
    await handle.close();
  }
}

async function send(request: http.IncomingMessage, response: http.ServerResponse, file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    response.writeHead(404).end(xml("Error", "<Code>NoSuchKey</Code>"));
    return;
  }
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const to = Math.min(Number(/-(\d+)$/.exec(request.headers.range ?? "")?.[1] ?? Infinity), found.size - 1);
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    etag: `"${found.mtimeMs}"`,
    "content-length": to - from + 1,
    "content-range": `bytes ${from}-${to}/${found.size}`,
  });
  await pipeline(Readable.from(bytesOf(file, from, to)), response);
}

async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  await sleep(s3Ms);
  const url = new URL(request.url ?? "", "http://s3");
  const [, bucket = "", ...rest] = decodeURIComponent(url.pathname).split("/");
  const key = rest.join("/");
  const file = path.join(directory, bucket, key);
  const upload = url.searchParams.get("uploadId");
  response.setHeader("etag", '"part"');
  if (request.method === "GET" && key === "") response.end(await list(bucket, url.searchParams.get("prefix") ?? ""));
  else if (request.method === "GET") await send(request, response, file);
  else if (request.method === "PUT" && upload !== null) {
    await receivePart(request, uploadOf(upload), Number(url.searchParams.get("partNumber")));
    response.end();
  } else if (request.method === "PUT") {
    await receiveObject(request, file);
    response.end();
  } else if (request.method === "POST" && url.searchParams.has("uploads")) {
    request.resume();
    response.end(xml("InitiateMultipartUploadResult", `<UploadId>${await beginUpload(file)}</UploadId>`));
  } else if (request.method === "POST" && upload !== null) {
    await bodyOf(request);
    await rename((await endUpload(upload)).file, file);
    response.end(xml("CompleteMultipartUploadResult", '<ETag>"object"</ETag>'));
  } else if (request.method === "POST" && url.searchParams.has("delete")) {
    const keys = [...(await bodyOf(request)).matchAll(/<Key>(.*?)<\/Key>/g)].map(([, name = ""]) => name);
    for (const name of keys) await rm(path.join(directory, bucket, name), { force: true });
    response.end(xml("DeleteResult", ""));
  } else if (request.method === "DELETE") {
    await rm(upload === null ? file : (await endUpload(upload)).file, { force: true });
    response.writeHead(204).end();
  } else response.writeHead(501).end(xml("Error", "<Code>NotImplemented</Code>"));
}

const server = http.createServer((request, response) => {
  serve(request, response).catch((error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    response.destroy(error);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
