'use strict'
// Write a department's checks in JavaScript. See README.md, and example/parking.js
// for a whole plugin. This file speaks go-plugin's handshake and the contract in
// plugins/proto; the limits and forms below are those of plugins/sdk/wire.

const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const grpc = require('@grpc/grpc-js')
const loader = require('@grpc/proto-loader')
const protobuf = require('protobufjs')

const COOKIE = ['ONEDOOR_PLUGIN', "a department's checks, started by the host"]
const MAX_MESSAGE = 4 << 20
const MAX_CHECKS = 256
const MAX_FINDINGS = 64
const MAX_ERROR = 4096

const NUMBER = /^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d{0,5}[1-9])$/
const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/
const DAY = /^\d{4}-\d{2}-\d{2}$/

// ---- what an author uses ----

/** The clause is met, or does not apply. */
const pass = (clause, more) => ({ verdict: 'VERDICT_PASS', clause, code: 'MET', ...more })

/** The clause is not met. more: { message, basis } and perhaps { remedy }. */
const fail = (clause, code, more) => ({ verdict: 'VERDICT_FAIL', clause, code, ...more })

/** The clause cannot be judged before these facts are known. */
const needsFacts = (clause, ...facts) => ({ verdict: 'VERDICT_NEEDS_FACTS', clause, code: 'FACTS_MISSING', missing_facts: facts })

/** The clause cannot be judged before these materials are there. */
const needsMaterials = (clause, ...materials) => ({ verdict: 'VERDICT_NEEDS_FACTS', clause, code: 'MATERIALS_MISSING', missing_materials: materials })

/** An officer judges the clause. */
const human = (clause, code, more) => ({ verdict: 'VERDICT_HUMAN', clause, code, ...more })

/** A text of the manifest with values for its gaps. */
const say = (key, params = {}) => ({ key, params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])) })

/** A number of the law, exactly, in millionths: decimal('0.65') is 650000n. */
function decimal (text) {
  if (!/^-?\d+(\.\d{1,6})?$/.test(text)) throw new Error(`${text} is no number with at most six places`)
  const [whole, fraction = ''] = text.replace('-', '').split('.')
  const value = BigInt(whole + fraction.padEnd(6, '0'))
  return text.startsWith('-') ? -value : value
}

/** What one check sees of one case: the facts and materials that it has declared. */
class Case {
  #check; #facts; #materials; #used = { facts: new Set(), materials: new Set() }

  constructor (check, request, signal) {
    this.#check = check
    this.#facts = new Map(request.facts.filter(f => f.value).map(f => [f.key, f]))
    this.#materials = new Map(request.materials.map(m => [m.code, m]))
    this.ref = request.case_ref
    this.day = request.day // YYYY-MM-DD; a check reads no clock
    this.seed = BigInt(request.seed) // and no other source of chance
    this.signal = signal // aborted when nobody waits any more
  }

  #fact (key, kind) {
    if (![...this.#check.facts ?? [], ...this.#check.optionalFacts ?? []].includes(key)) {
      throw new Error(`the check ${this.#check.id} reads the fact ${key} without declaring it`)
    }
    const fact = this.#facts.get(key)
    if (!fact) return undefined
    if (!kind.includes(fact.value)) throw new Error(`the fact ${key} is ${fact.value}, not ${kind[0]}`)
    this.#used.facts.add(key)
    return fact
  }

  /** NUMBER or INT in millionths (see decimal); undefined when it is unknown. */
  number (key) {
    const fact = this.#fact(key, ['number', 'integer'])
    return fact && decimal(fact[fact.value])
  }

  /** INT as a BigInt; undefined when it is unknown. */
  int (key) {
    const fact = this.#fact(key, ['integer'])
    return fact && BigInt(fact.integer)
  }

  /** BOOL; undefined when it is unknown. */
  bool (key) { return this.#fact(key, ['boolean'])?.boolean }

  /** The code of an ENUM's value; undefined when it is unknown. */
  choice (key) { return this.#fact(key, ['choice'])?.choice }

  /** What is known of a material: { code, name, type, size, sha256, trust }. */
  material (code) {
    if (![...this.#check.materials ?? [], ...this.#check.contents ?? []].includes(code)) {
      throw new Error(`the check ${this.#check.id} reads the material ${code} without declaring it`)
    }
    const m = this.#materials.get(code)
    if (!m) return undefined
    this.#used.materials.add(code)
    const trust = ['D', 'A', 'B', 'C', 'D'][m.trust] ?? 'D' // what is not known is the lowest
    return { code: m.code, name: m.name, type: m.type, size: Number(m.size), sha256: m.sha256, trust }
  }

  /** The content of a material that is declared in contents. */
  async content (code) {
    const m = this.material(code)
    if (!(this.#check.contents ?? []).includes(code)) throw new Error(`the check ${this.#check.id} opens the material ${code} without declaring it`)
    const file = this.#materials.get(code)?.path
    if (!m || !file) throw new Error(`the content of the material ${code} was not given`)
    return fs.promises.readFile(path.join(process.env.ONEDOOR_PLUGIN_DIR || '.', file))
  }

  /** The needed facts that are unknown. */
  get missing () { return (this.#check.facts ?? []).filter(key => !this.#facts.has(key)) }

  get used () { return { facts: [...this.#used.facts].sort(), materials: [...this.#used.materials].sort() } }
}

// ---- the contract ----

const failure = (check, code, message) => ({ check, error: { code: `CHECK_ERROR_CODE_${code}`, message: String(message).slice(0, MAX_ERROR / 4) } })

const probes = {
  _panic: { id: '_panic', clauses: [], run () { throw new Error('the probe _panic was asked for') } },
  _sleep: { id: '_sleep', clauses: [], run: c => new Promise(resolve => c.signal.addEventListener('abort', () => resolve([]), { once: true })) }
}

// wrong says what is wrong with a finding, or nothing.
function wrong (check, f) {
  const facts = [...check.facts ?? [], ...check.optionalFacts ?? []]
  const materials = [...check.materials ?? [], ...check.contents ?? []]
  if (!check.clauses.includes(f.clause)) return `the clause ${f.clause} is not the check's own`
  if (!CODE.test(f.code)) return `the code ${f.code} is not UPPER_SNAKE`
  if (f.verdict === 'VERDICT_FAIL' && !f.basis?.length) return 'FAIL without a legal basis'
  if (f.verdict === 'VERDICT_FAIL' && !f.message?.key) return 'FAIL without a message'
  if (f.verdict === 'VERDICT_NEEDS_FACTS' && !f.missing_facts?.length && !f.missing_materials?.length) return 'NEEDS_FACTS without saying which'
  const strange = [...f.missing_facts ?? [], ...f.used?.facts ?? []].find(key => !facts.includes(key)) ??
    [...f.missing_materials ?? [], ...f.used?.materials ?? []].find(code => !materials.includes(code))
  return strange && `${strange} is not declared by the check`
}

async function run (checks, id, request, signal) {
  const check = checks.get(id)
  if (!check) return failure(id, 'UNKNOWN_CHECK', 'the plugin has no such check')
  const c = new Case(check, request, signal)
  if (c.missing.length) return { check: id, findings: check.clauses.map(clause => needsFacts(clause, ...c.missing)) }
  try {
    const found = await check.run(c)
    if (signal.aborted) return failure(id, 'DEADLINE', 'the check was not done before the deadline')
    const findings = found.map(f => ({ ...f, used: f.used ?? (c.used.facts.length + c.used.materials.length ? c.used : undefined) }))
    if (!findings.length || findings.length > MAX_FINDINGS) return failure(id, 'BAD_FINDING', `${findings.length} findings`)
    const complaint = findings.map(f => wrong(check, f)).find(Boolean)
    return complaint ? failure(id, 'BAD_FINDING', complaint) : { check: id, findings }
  } catch (error) {
    console.error(JSON.stringify({ '@level': 'error', '@message': 'a check threw', check: id, case: c.ref, error: String(error?.stack ?? error) }))
    return failure(id, 'PANIC', error)
  }
}

// unreadable says why a request cannot be read, or nothing.
function unreadable (r) {
  const twice = list => new Set(list).size !== list.length
  if (!DAY.test(r.day) || new Date(r.day).toJSON()?.slice(0, 10) !== r.day) return `day: ${r.day} is no YYYY-MM-DD`
  if (!r.checks.length || r.checks.length > MAX_CHECKS || twice(r.checks)) return 'checks: none, too many, or one of them twice'
  if (twice(r.facts.map(f => f.key))) return 'facts: one of them twice'
  if (twice(r.materials.map(m => m.code))) return 'materials: one of them twice'
  const f = r.facts.find(f => f.value === 'number' && !NUMBER.test(f.number))
  if (f) return `fact ${f.key}: no number in its shortest form`
  const m = r.materials.find(m => m.path && (path.posix.isAbsolute(m.path) || path.posix.normalize(m.path) !== m.path || m.path.split(/[/\\]/).includes('..')))
  if (m) return `material ${m.code}: the path leads out of the plugin's directory`
}

function implementation (plugin) {
  const checks = new Map([...plugin.checks, ...Object.values(probes)].map(check => [check.id, check]))
  return {
    Describe (_call, answer) {
      answer(null, {
        name: plugin.name,
        version: plugin.version,
        department: plugin.department,
        capabilities: ['probes'],
        contract_minor: 0,
        checks: plugin.checks.map(check => ({
          id: check.id,
          clauses: check.clauses,
          facts: [...(check.facts ?? []).map(key => ({ key })), ...(check.optionalFacts ?? []).map(key => ({ key, optional: true }))],
          materials: [...(check.materials ?? []).map(code => ({ code })), ...(check.contents ?? []).map(code => ({ code, content: true }))],
          on_failure: `FAILURE_POLICY_${check.onFailure ?? 'REFER'}`,
          pure: !check.impure,
          self_test: check.selfTest
        }))
      })
    },

    async Check (call, answer) {
      const request = call.request
      const complaint = unreadable(request)
      if (complaint) return answer({ code: grpc.status.INVALID_ARGUMENT, details: complaint })
      // A little of the deadline is kept for the way back, so that the host gets
      // what was found in time.
      const giveUp = new AbortController()
      const left = Number(call.getDeadline()) - Date.now()
      const timer = Number.isFinite(left) && setTimeout(() => giveUp.abort(), Math.max(0, left - Math.min(left / 5, 200)))
      call.on('cancelled', () => giveUp.abort())
      const late = new Promise(resolve => giveUp.signal.addEventListener('abort', resolve, { once: true }))
      const results = await Promise.all(request.checks.map(id => Promise.race([
        run(checks, id, request, giveUp.signal),
        late.then(() => failure(id, 'DEADLINE', 'the check was not done before the deadline'))
      ])))
      clearTimeout(timer)
      answer(null, { results })
    }
  }
}

// ---- the process ----

// What grpc and go-plugin ask of every server.
const standard = loader.fromJSON({
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                HealthCheckResponse: { fields: { status: { type: 'int32', id: 1 } } },
                Health: { methods: { Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' } } }
              }
            }
          }
        }
      }
    },
    plugin: {
      nested: {
        Empty: { fields: {} },
        GRPCController: { methods: { Shutdown: { requestType: 'Empty', responseType: 'Empty' } } }
      }
    }
  }
})

/* global ONEDOOR_CONTRACT */ // "server plugin build" puts the contract into the bundle

function contract () {
  const options = { keepCase: true, longs: String, enums: Number, defaults: true, arrays: true, oneofs: true }
  if (typeof ONEDOOR_CONTRACT === 'string') return loader.fromJSON(protobuf.parse(ONEDOOR_CONTRACT, options).root.toJSON(), options)
  const beside = path.join(__dirname, 'checker.proto')
  const name = fs.existsSync(beside) ? beside : path.join(__dirname, '../../proto/onedoor/plugin/v1/checker.proto')
  return loader.loadSync(name, options)
}

// credentials reads, in this order, the plugin's key, its certificate and the
// host's from the pipe that the host has handed over.
function credentials () {
  const pipe = process.env.ONEDOOR_PLUGIN_TLS
  if (!pipe) return grpc.ServerCredentials.createInsecure() // for development
  const blocks = fs.readFileSync(Number(pipe), 'utf8').match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []
  if (blocks.length !== 3) throw new Error('ONEDOOR_PLUGIN_TLS holds no key and two certificates')
  const [key, own, host] = blocks.map(block => Buffer.from(block + '\n'))
  return grpc.ServerCredentials.createSsl(host, [{ private_key: key, cert_chain: own }], true)
}

/** Serves the plugin to the host that has started this process. */
function serve (plugin) {
  if (process.env[COOKIE[0]] !== COOKIE[1]) {
    console.error('This program is a plugin: it is started by its host.')
    process.exit(1)
  }
  const lifeline = process.env.ONEDOOR_PLUGIN_LIFELINE
  if (lifeline) { // when the host dies, so does the plugin
    new net.Socket({ fd: Number(lifeline), readable: true, writable: false }).on('close', () => process.exit(3)).on('error', () => process.exit(3)).resume()
  }
  // How many calls come at once is left to the host: Node ends a connection on
  // which more than 100 were refused.
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE
  })
  server.addService(contract()['onedoor.plugin.v1.Checker'], implementation(plugin))
  server.addService(standard['grpc.health.v1.Health'], {
    Check: (call, answer) => call.request.service === 'plugin' ? answer(null, { status: 1 }) : answer({ code: grpc.status.NOT_FOUND })
  })
  server.addService(standard['plugin.GRPCController'], {
    Shutdown (_call, answer) { answer(null, {}); server.tryShutdown(() => process.exit(0)) }
  })
  const dir = fs.mkdtempSync(path.join(process.env.PLUGIN_UNIX_SOCKET_DIR || os.tmpdir(), 'p'))
  const socket = path.join(dir, 's')
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
  process.on('SIGINT', () => {}) // the host decides when it ends
  server.bindAsync(`unix:${socket}`, credentials(), error => {
    if (error) {
      console.error(error)
      process.exit(1)
    }
    process.stdout.write(`1|1|unix|${socket}|grpc|\n`, () => {
      process.stdout.write = process.stderr.write.bind(process.stderr) // what is printed is for the log
    })
  })
}

module.exports = { serve, pass, fail, needsFacts, needsMaterials, human, say, decimal }
