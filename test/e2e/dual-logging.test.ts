import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Engine, startEngine } from '../lab/engine.ts'
import { eventually, killPrograms, startProgram, swarmlogs } from '../lab/program.ts'

const HTTP = '127.0.0.1:14480'
const FORWARD = '127.0.0.1:14424'
const LINES = 200

let engine: Engine
let folder: string

beforeAll(async () => {
  engine = await startEngine()
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-dual-'))
  await startProgram([
    ...['up', '--docker', engine.host, '--data', folder, '--listen', HTTP, '--forward', FORWARD, '--insecure'],
  ])
})

afterAll(async () => {
  killPrograms()
  await engine?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

async function lines(...args: string[]): Promise<string[]> {
  const { stdout } = await swarmlogs(['tail', '--raw', '-n', 'all', ...args], {
    env: { SWARMLOGS_URL: `http://${HTTP}` },
  })
  return stdout.split('\n').filter((line) => line !== '')
}

it('a container whose fluentd driver sends to us is not read a second time from its engine', async () => {
  const count = `i=0; while [ $i -lt ${LINES} ]; do echo "twice $i"; i=$((i+1)); done; sleep 2`
  await engine.docker([
    ...['run', '-d', '--name', 'twice', '--network', 'none', '--log-driver', 'fluentd'],
    ...['--log-opt', `fluentd-address=${FORWARD}`, 'lab/busybox:1', 'sh', '-c', count],
  ])
  await eventually('the lines of the driver', 20_000, async () => (await lines('--grep', 'twice')).length >= LINES)
  // The engine's own cache holds them too; once a later container is stored, the agent has long seen the first.
  expect((await engine.docker(['logs', 'twice'])).split('\n')).toContain('twice 0')
  await engine.docker(['wait', 'twice'])
  await engine.docker(['run', '--name', 'later', '--network', 'none', 'lab/busybox:1', 'echo', 'later'])
  await eventually('the lines of a later container', 20_000, async () => (await lines('--grep', 'later')).length === 1)
  expect((await lines('--grep', 'twice')).sort()).toEqual(Array.from({ length: LINES }, (_, i) => `twice ${i}`).sort())
})
