// What the checks are made of: requests as exact bytes, sockets as exact frames,
// and the processor time that the server takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import WebSocket from 'ws';

// checks are all that have been described, in the order of their files.
export const checks = [];

// suite gives the two ways to describe a check. A check has a name, where it comes
// from, and a function that throws when the server does otherwise. Options: `mode`
// (of the server that it is for; "usual" when not given, "any"), `slow` (it waits,
// so it runs beside the others), `cpu` (it measures, so it needs --pid).
export function suite(name) {
  const add =
    (demand) =>
    (title, source, fn, options = {}) =>
      checks.push({ suite: name, demand, title, source, fn, ...options });
  return { must: add('MUST'), should: add('SHOULD') };
}

export const JSON_TYPE = 'application/json';
export const GRAPH_TYPE = 'application/graphql-response+json';
export const STREAM_TYPE = 'text/event-stream';

const patience = 40_000;

// seen are all answers, for what no answer may tell.
export const seen = [];

// compose writes a request of HTTP/1.1. What is not given is as usual; a header
// that is null is left out.
export function compose(site, { method = 'POST', path, params, headers = {}, body } = {}) {
  let target = path ?? site.path;
  if (params) target += '?' + (typeof params === 'string' ? params : new URLSearchParams(params));
  const content = body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const all = { host: site.host, connection: 'close', 'accept-language': 'en' };
  if (body !== undefined && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) all['content-length'] = content.length;
  Object.assign(all, headers);
  const lines = [`${method} ${target} HTTP/1.1`];
  for (const [name, value] of Object.entries(all)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null) lines.push(`${name}: ${one}`);
  }
  return Buffer.concat([Buffer.from(lines.join('\r\n') + '\r\n\r\n', 'latin1'), content]);
}

// exchange sends bytes and gives what comes back until the server closes.
export function exchange(site, bytes, { more, end } = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(site.port, site.hostname);
    const parts = [];
    const begun = Date.now();
    const timer = setTimeout(() => socket.destroy(new Error(`nothing came to an end within ${patience} ms`)), patience);
    socket.on('connect', () => {
      socket.write(bytes);
      if (more) more(socket);
    });
    socket.on('data', (part) => {
      parts.push(part);
      if (end?.(Buffer.concat(parts).toString())) socket.destroy();
    });
    let failure;
    socket.on('error', (e) => {
      failure = e;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      const raw = Buffer.concat(parts);
      if (raw.length === 0 && failure && failure.code !== 'ECONNRESET' && failure.code !== 'EPIPE') return reject(failure);
      resolve({ ...parse(raw), raw: raw.toString(), ms: Date.now() - begun });
    });
  });
}

// parse reads the first answer in some bytes.
export function parse(raw) {
  const at = raw.indexOf('\r\n\r\n');
  if (at < 0) return { status: 0, headers: {}, text: '', bytes: Buffer.alloc(0) };
  const [first, ...lines] = raw.subarray(0, at).toString('latin1').split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = headers[name] === undefined ? line.slice(colon + 1).trim() : `${headers[name]}, ${line.slice(colon + 1).trim()}`;
  }
  let bytes = raw.subarray(at + 4);
  if (headers['transfer-encoding'] === 'chunked') bytes = unchunk(bytes);
  else if (headers['content-length'] !== undefined) bytes = bytes.subarray(0, Number(headers['content-length']));
  return { status: Number(first.split(' ')[1]), headers, bytes, text: bytes.toString() };
}

function unchunk(bytes) {
  const parts = [];
  for (;;) {
    const end = bytes.indexOf('\r\n');
    if (end < 0) break;
    const size = parseInt(bytes.subarray(0, end).toString(), 16);
    if (!size) break;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    bytes = bytes.subarray(end + 2 + size + 2);
  }
  return Buffer.concat(parts);
}

// ask sends a request and reads its answer, as JSON too where it is some.
export async function ask(site, request) {
  const answer = await exchange(site, compose(site, request));
  const { body, ...rest } = request;
  seen.push({
    request: `${JSON.stringify(rest).slice(0, 200)} ${(Buffer.isBuffer(body) ? body.subarray(0, 200).toString() : (JSON.stringify(body) ?? '')).slice(0, 200)}`,
    status: answer.status,
    text: answer.text,
  });
  try {
    answer.json = JSON.parse(answer.text);
  } catch {
    answer.json = undefined;
  }
  return answer;
}

// post sends an operation: its text, or an object with its parameters, or a body as
// it is, in bytes.
export function post(site, what, headers = {}) {
  return ask(site, { headers: { 'content-type': JSON_TYPE, accept: GRAPH_TYPE, ...headers }, body: typeof what === 'string' ? { query: what } : what });
}

export function get(site, params, headers = {}) {
  return ask(site, { method: 'GET', params, headers: { accept: GRAPH_TYPE, ...headers } });
}

const brief = (answer) => `${answer.status} ${answer.headers['content-type']} ${answer.text.slice(0, 400)}`;

// executed says that an operation was executed without an error.
export function executed(answer, data) {
  assert.equal(answer.status, 200, brief(answer));
  assert.ok(answer.json && !answer.json.errors && answer.json.data, brief(answer));
  if (data !== undefined) assert.deepEqual(answer.json.data, data);
  return answer.json.data;
}

// refused says that a request was not executed: errors of the right form, no data,
// one of the statuses.
export function refused(answer, ...statuses) {
  assert.ok(statuses.includes(answer.status), `${brief(answer)}, expected ${statuses}`);
  assert.match(answer.headers['content-type'] ?? '', /^application\/(graphql-response\+)?json; charset=utf-8$/);
  assert.ok(answer.json && !('data' in answer.json), `no data belongs to a request that is refused: ${brief(answer)}`);
  errorsOf(answer.json);
  return answer.json.errors;
}

// errorsOf says that errors have the form that the specification gives them.
export function errorsOf(body) {
  assert.ok(Array.isArray(body.errors) && body.errors.length > 0, `no errors: ${JSON.stringify(body).slice(0, 300)}`);
  for (const e of body.errors) {
    assert.ok(typeof e.message === 'string' && e.message !== '', `an error without a message: ${JSON.stringify(e)}`);
    for (const at of e.locations ?? []) assert.ok(at.line >= 1 && at.column >= 1, `a place that is none: ${JSON.stringify(e)}`);
    for (const step of e.path ?? []) assert.ok(typeof step === 'string' || Number.isInteger(step), `a path that is none: ${JSON.stringify(e)}`);
    assert.deepEqual(
      Object.keys(e).filter((k) => !['message', 'locations', 'path', 'extensions'].includes(k)),
      [],
      'members that an error does not have',
    );
  }
  assert.deepEqual(
    Object.keys(body).filter((k) => !['data', 'errors', 'extensions'].includes(k)),
    [],
    'members that an answer does not have',
  );
  return body.errors;
}

// cpu gives the milliseconds of processor time that the server has taken so far.
export function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

// spends says that the server spends less than some processor time on what fn does.
// Time on the clock is not judged: the machine may be busy with other things.
export async function spends(site, most, fn) {
  const before = cpu(site.pid);
  const result = await fn();
  const spent = cpu(site.pid) - before;
  assert.ok(spent <= most, `took ${spent} ms of processor time, at most ${most}`);
  return result;
}

// Socket speaks to the server in frames as they are given.
export class Socket {
  constructor(site, { protocols = ['graphql-transport-ws'], ...options } = {}) {
    this.messages = [];
    this.waiting = [];
    this.ws = new WebSocket(`ws://${site.host}${site.path}`, protocols, options);
    this.ws.on('message', (text, binary) => this.#give({ message: binary ? text : JSON.parse(text) }));
    this.ws.on('close', (code, reason) => this.#give({ closed: code, reason: String(reason) }));
    this.ws.on('unexpected-response', (_, response) => {
      this.#give({ status: response.statusCode });
      response.resume();
    });
    this.ws.on('error', () => this.#give({ closed: 1006 }));
    this.ws.on('pong', () => {
      this.ponged = true;
    });
    this.opened = new Promise((resolve) => this.ws.on('open', () => resolve(true)));
  }

  #give(event) {
    const next = this.waiting.shift();
    if (next) next(event);
    else this.messages.push(event);
  }

  // event gives what comes next: a message, or that the socket was closed or never opened.
  event(within = patience) {
    if (this.messages.length > 0) return Promise.resolve(this.messages.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nothing came')), within);
      this.waiting.push((event) => {
        clearTimeout(timer);
        resolve(event);
      });
    });
  }

  async next() {
    const { message, closed, reason, status } = await this.event();
    assert.ok(message, `closed ${closed ?? status} ${reason ?? ''} where a message was expected`);
    return message;
  }

  // silent says that nothing comes until the server has answered a ping.
  async silent() {
    this.send({ type: 'ping', payload: { mark: 'silent' } });
    const message = await this.next();
    assert.deepEqual(message, { type: 'pong', payload: { mark: 'silent' } });
  }

  async closedWith(code, pattern) {
    for (;;) {
      const event = await this.event();
      if (event.message) continue;
      assert.equal(event.closed ?? event.status, code, event.reason);
      if (pattern) assert.match(event.reason, pattern);
      return event;
    }
  }

  send(what) {
    this.ws.send(typeof what === 'string' || Buffer.isBuffer(what) ? what : JSON.stringify(what));
    return this;
  }

  async greeted(payload) {
    await this.opened;
    this.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
    assert.equal((await this.next()).type, 'connection_ack');
    return this;
  }

  // result runs an operation to its end and gives its messages.
  async result(id, payload) {
    this.send({ id, type: 'subscribe', payload });
    const messages = [];
    for (;;) {
      const message = await this.next();
      assert.equal(message.id, id);
      messages.push(message);
      if (message.type !== 'next') return messages;
    }
  }

  close() {
    this.ws.terminate();
  }
}

// withSocket gives a socket that is closed afterwards, however it goes.
export async function withSocket(site, options, fn) {
  const socket = new Socket(site, options);
  try {
    return await fn(socket);
  } finally {
    socket.close();
  }
}

// events reads a stream as browsers do: a block without data is no event.
export function events(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .split('\n\n')
    .flatMap((block) => {
      const lines = block.split('\n').filter((l) => !l.startsWith(':'));
      const field = (name) => lines.filter((l) => l.startsWith(name + ':')).map((l) => l.slice(name.length + 1).replace(/^ /, ''));
      const data = field('data');
      return data.length ? [{ event: field('event')[0] ?? 'message', data: data.join('\n') }] : [];
    });
}

// form writes a multipart body: parts are [name, content, more of the disposition, more headers].
export const boundary = 'onedoor-audit-0123456789';
export function form(parts, { close = true } = {}) {
  const pieces = [];
  for (const [name, content, disposition = '', headers = []] of parts) {
    pieces.push(
      Buffer.from(
        [`--${boundary}`, name === null ? `Content-Disposition: form-data${disposition}` : `Content-Disposition: form-data; name="${name}"${disposition}`, ...headers].join('\r\n') + '\r\n\r\n',
      ),
    );
    pieces.push(Buffer.isBuffer(content) ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)), Buffer.from('\r\n'));
  }
  if (close) pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}

export const multipart = `multipart/form-data; boundary=${boundary}`;
export const preflight = { 'graphql-require-preflight': '1' };
