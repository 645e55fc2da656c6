import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Engine, startEngine } from '../lab/engine.ts'
import { eventually, killPrograms, startProgram, swarmlogs } from '../lab/program.ts'

const HTTP = '127.0.0.1:14484'
const FORWARD = '127.0.0.1:14488'

let engine: Engine
let folder: string

beforeAll(async () => {
  engine = await startEngine()
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-events-'))
  await startProgram([
    ...['up', '--docker', engine.host, '--data', folder, '--listen', HTTP, '--forward', FORWARD, '--insecure'],
  ])
})

afterAll(async () => {
  killPrograms()
  await engine?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

async function show(...args: string[]): Promise<string> {
  return (await swarmlogs(args, { env: { SWARMLOGS_URL: `http://${HTTP}` } })).stdout
}

it.each([
  ['that its log driver does not keep', []],
  ['that its log driver keeps', ['--log-opt', 'labels=swarmlogs.multiline']],
])('goes by a label of the container %s', async (_, options) => {
  const name = options.length === 0 ? 'plain' : 'kept'
  const text = '# one\\nmore\\n# two\\n'
  await engine.docker([
    ...['run', '--name', name, '--network', 'none', '--label', 'swarmlogs.multiline=^#', ...options],
    ...['lab/busybox:1', 'sh', '-c', `printf '${text}'`],
  ])
  await eventually('its lines', 20_000, async () => (await show('tail', name, '--raw')).includes('# two'))
  const found = (await show('search', 'more', '--service', name, '--events', '-o', 'json')).trimEnd().split('\n')
  expect(found.map((line) => JSON.parse(line).message)).toEqual(['# one\nmore'])
  const details = await show('logs', name, '--raw', '--details')
  expect(details).toBe(await engine.docker(['logs', '--details', name]))
})
