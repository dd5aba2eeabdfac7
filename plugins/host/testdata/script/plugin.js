'use strict'
// A plugin for the host's test that needs nothing but Node: it writes the contract's
// bytes by hand. It tells what it can reach of the machine. See plugins/sdk/node for
// how a plugin in JavaScript is written.
const fs = require('node:fs')
const http2 = require('node:http2')
const path = require('node:path')
const { execFileSync } = require('node:child_process')

const number = n => n < 128 ? [n] : [(n & 127) | 128, ...number(n >> 7)]
const field = (n, value) => typeof value === 'number'
  ? Buffer.from([n << 3, ...number(value)])
  : Buffer.concat([Buffer.from([(n << 3) | 2, ...number(Buffer.byteLength(value))]), Buffer.from(value)])
const message = (...fields) => Buffer.concat(fields)

const description = message(field(1, 'script'), field(2, '1.0.0'), field(3, 'fire'),
  field(4, message(field(1, 'a'), field(2, 'C-1'), field(5, 2), field(6, 1))))

const attempt = what => { try { what(); return 'done' } catch (e) { return e.code } }

function answer () {
  const said = [
    attempt(() => fs.readFileSync('/etc/passwd')),
    attempt(() => fs.writeFileSync('/tmp/onedoor-script', 'x')),
    attempt(() => execFileSync('/bin/true')),
    attempt(() => fs.writeFileSync(path.join(process.env.TMPDIR, 'x'), 'x'))
  ].join(' ')
  const text = message(field(1, 'said'), field(2, message(field(1, 'text'), field(2, said))))
  return message(field(1, message(field(1, 'a'), field(2, message(field(1, 4), field(2, 'C-1'), field(3, 'SAID'), field(4, text))))))
}

const calls = {
  '/grpc.health.v1.Health/Check': () => message(field(1, 1)),
  '/onedoor.plugin.v1.Checker/Describe': () => description,
  '/onedoor.plugin.v1.Checker/Check': answer
}

const lifeline = fs.createReadStream('', { fd: Number(process.env.ONEDOOR_PLUGIN_LIFELINE) })
lifeline.on('close', () => process.exit(3)).resume()
const pem = fs.readFileSync(Number(process.env.ONEDOOR_PLUGIN_TLS), 'utf8').match(/-----BEGIN[^]*?-----END [A-Z ]*-----/g)
const server = http2.createSecureServer({ key: pem[0], cert: pem[1], ca: pem[2], requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' })
server.on('stream', (stream, headers) => {
  const call = calls[headers[':path']]
  if (headers[':path'].endsWith('/Shutdown')) process.exit(0)
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': call ? '0' : '12' }))
  stream.on('error', () => {})
  if (!call) return stream.end()
  const body = call()
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, body.length >> 8, body.length & 255]), body]))
})
const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR, 's')
server.listen(socket, () => console.log(`1|1|unix|${socket}|grpc|`))
