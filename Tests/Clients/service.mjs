// What the scripts for node share: where the service is, people of their own, pictures, tokens past their end.
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import axios from "axios";

const [address, settings] = process.argv.slice(2);

/** Where the service answers: `http://127.0.0.1:8000`. */
export const service = address;

/** The key that the service signs with, as it stands in its settings. */
const key = fs.readFileSync(settings, "utf8").match(/^HOMEROOM_TOKEN_KEY=(.*)$/m)[1];

export const password = "seven-Owls-42";

let people = 0;

/** A name that nobody has, in whichever process. */
export function newName() {
  people += 1;
  return `node${process.pid}n${people}`;
}

/** Somebody who has just registered through contract 1: `{username, email, id, access, refresh}`. */
export async function newPerson() {
  const username = newName();
  const email = `${username}@example.com`;
  const { data } = await axios.post(`${service}/api/v1/auth/register/`, {
    username, email, password, password_confirm: password,
  });
  return { username, email, id: data.user.id, ...data.tokens };
}

const encoded = (text) => Buffer.from(text).toString("base64url");

/** The same token as the service would have signed it so much earlier that it ended a minute ago. */
export function expired(token) {
  const [head, text] = token.split(".");
  const claims = JSON.parse(Buffer.from(text, "base64url"));
  const end = Math.floor(Date.now() / 1000) - 60;
  const older = { ...claims, exp: end, iat: claims.iat - claims.exp + end };
  const signed = `${head}.${encoded(JSON.stringify(older))}`;
  return `${signed}.${crypto.createHmac("sha256", key).update(signed).digest("base64url")}`;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(checksum(body));
  return Buffer.concat([length, body, check]);
}

/** CRC-32. (PNG, annex D) */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** The path of a PNG of noise, which nothing makes smaller: of 700 pixels a side it has 1.5 MB. */
export function pictureFile(side = 700) {
  const rows = Array.from({ length: side }, () =>
    Buffer.concat([Buffer.from([0]), crypto.randomBytes(3 * side)]));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "picture-")), "me.png");
  process.on("exit", () => fs.rmSync(path.dirname(file), { recursive: true }));
  fs.writeFileSync(file, Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
    chunk("IDAT", zlib.deflateSync(Buffer.concat(rows), { level: 0 })), chunk("IEND", Buffer.alloc(0)),
  ]));
  return file;
}
