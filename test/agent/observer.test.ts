import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { runObserver } from '../../agent/observer.ts'
import { Engine } from '../../agent/tail/engine.ts'
import type { Inventory } from '../../shared/inventory.ts'
import { recordingLog, silent, temporaryDir } from './chunks.ts'
import { FakeEngine } from './fake-engine.ts'
import { type Receiver, startReceiver } from './forwarder/receiver.ts'

let engine: FakeEngine

beforeEach(async () => {
  engine = await FakeEngine.start()
  engine.info = { Name: 'manager1', Swarm: { NodeID: 'n1', Cluster: { ID: 'swarm' } } }
  Object.assign(engine.swarm, { nodes: [], services: [], tasks: [{ ID: 't1' }] })
  onTestFinished(() => engine.close())
})

describe('runObserver', () => {
  it('ships what a manager knows, and nothing of its containers', async () => {
    const receiver = await startReceiver()
    engine.container().write('a line')
    const addresses = await observe(receiver, engine.host)
    await receiver.until(({ frames }) => frames.length > 0)
    expect(addresses).toEqual({ docker: engine.host, server: `127.0.0.1:${receiver.port}` })
    expect(inventoriesIn(receiver)).toMatchObject([{ cluster: 'swarm', nodeId: 'n1', tasks: ['t1'] }])
    engine.swarm.tasks = []
    engine.change('service')
    await receiver.until(({ frames }) => frames.length > 1)
    expect(receiver.frames.map(([tag]) => tag)).toEqual(['swarmlogs.inventory', 'swarmlogs.inventory'])
    expect(engine.requests.filter((path) => path.includes('/containers'))).toEqual([])
  })

  it('says that an engine is no manager', async () => {
    engine.info = { Name: 'worker1', Swarm: { NodeID: 'n2', Cluster: null } }
    const receiver = await startReceiver()
    const { log, lines } = recordingLog()
    await observe(receiver, engine.host, log)
    expect(lines.map(({ msg }) => msg)).toContain('this engine is no manager of a swarm: nothing to observe yet')
  })
})

describe('an engine behind ssh', () => {
  it('is asked as docker’s own client asks it', async () => {
    const asked = fakeSsh(`exec "${process.execPath}" -e "${PIPE}" "${engine.host.slice('unix://'.length)}"`)
    const receiver = await startReceiver()
    await observe(receiver, 'ssh://admin@manager1:2222')
    await receiver.until(({ frames }) => frames.length > 0)
    expect(inventoriesIn(receiver)).toMatchObject([{ nodeId: 'n1' }])
    expect(asked()).toContain('-T -l admin -p 2222 -- manager1 docker system dial-stdio')
  })

  it('that refuses is named with what ssh says', async () => {
    fakeSsh('echo "Permission denied (publickey)." >&2; exit 255')
    const failed = new Engine({ host: 'ssh://manager1' }).negotiate()
    await expect(failed).rejects.toMatchObject({
      code: 'SWARMLOGS_DOCKER_UNAVAILABLE',
      message: expect.stringContaining('ssh to manager1 failed: Permission denied'),
    })
  })
})

/** Runs an observer until the test ends; resolves when it is ready. */
async function observe(receiver: Receiver, host: string, log = silent) {
  const stop = new AbortController()
  const ready = Promise.withResolvers<unknown>()
  const config = {
    docker: { host },
    server: { host: '127.0.0.1', port: receiver.port },
    sharedKeys: { kind: 'none' },
  } as const
  const done = runObserver(config, log, stop.signal, ready.resolve)
  onTestFinished(async () => {
    stop.abort()
    await done
  })
  return ready.promise
}

function inventoriesIn({ frames }: Receiver): Inventory[] {
  return frames.map(([, entries]) => (entries as [unknown, Inventory][])[0]?.[1] as Inventory)
}

const PIPE = 'const s = require(`net`).connect(process.argv[1]); process.stdin.pipe(s).pipe(process.stdout)'

/** Puts an `ssh` first in PATH; returns what it was called with. */
function fakeSsh(script: string): () => string {
  const dir = temporaryDir()
  const calls = join(dir, 'calls')
  writeFileSync(join(dir, 'ssh'), `#!/bin/sh\necho "$@" >> "${calls}"\n${script.replaceAll('`', '\\`')}\n`)
  chmodSync(join(dir, 'ssh'), 0o755)
  const before = process.env.PATH
  process.env.PATH = `${dir}${delimiter}${before}`
  onTestFinished(() => {
    process.env.PATH = before
  })
  return () => readFileSync(calls, 'utf8')
}
