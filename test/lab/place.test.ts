import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { sweep } from './place.ts'
import { isAlive } from './processes.ts'

const ENGINE = fileURLToPath(new URL('engine.ts', import.meta.url))

// A lab whose owner is killed before it can clean up, with a container that runs on.
const owner = `
  const { startEngine } = await import(${JSON.stringify(ENGINE)})
  const engine = await startEngine()
  const id = await engine.docker(['run', '-d', '--network', 'none', 'lab/busybox:1', 'sleep', '1000'])
  const container = Number(await engine.docker(['inspect', '--format', '{{.State.Pid}}', id.trim()]))
  console.log(JSON.stringify({ socket: engine.host.slice('unix://'.length), pids: [engine.pid, container] }))
  setInterval(() => {}, 1000)`

it('what a killed lab left behind is cleared by the next one', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', owner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout, 'data')
  const { socket, pids }: { socket: string; pids: number[] } = JSON.parse(String(said))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(pids.every(isAlive)).toBe(true)
  await sweep()
  expect(pids.filter(isAlive)).toEqual([])
  expect(existsSync(socket)).toBe(false)
})
