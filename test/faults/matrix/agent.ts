import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, swarmlogs } from '../../lab/program.ts'
import { run } from '../../lab/run.ts'
import type { Fault } from '../rig/drive.ts'

const MEMORY_BYTES = 160 << 20
const ROTATING = ['--log-opt', 'max-size=100k', '--log-opt', 'max-file=2']

/** What happens to an agent besides kills. */
export const agent: readonly Fault[] = [
  {
    name: 'A6',
    title: "the agent's state is deleted, or an older copy comes back",
    isShort: true,
    async run(scene) {
      await scene.begin()
      const copy = join(scene.dir, 'copy')
      for (let round = 0; round < scene.times(2, 10); round++) {
        await scene.agent.end('SIGKILL')
        await cp(scene.stateDir, copy, { recursive: true })
        await scene.startAgent()
        await scene.arrival(500)
        await scene.agent.end('SIGKILL')
        await rm(scene.stateDir, { recursive: true })
        if (round % 2 === 1) await cp(copy, scene.stateDir, { recursive: true })
        await scene.startAgent()
        await scene.arrival(500)
      }
    },
  },
  {
    name: 'A13',
    title: 'containers are removed while the agent is killed',
    isShort: true,
    // What Docker has thrown away is lost, and told.
    mayLose: true,
    async run(scene) {
      await scene.begin(1)
      for (let round = 0; round < scene.times(2, 20); round++) {
        const name = await scene.printBriefly(300)
        await eventually('its first lines', 60_000, async () => (await scene.count(name)) > 20)
        await scene.agent.end('SIGKILL')
        const isThere = async () => (await scene.stage.engine.docker(['ps', '-aq', '--filter', `name=${name}`])) !== ''
        await eventually('its removal', 60_000, async () => !(await isThere()))
        await scene.startAgent()
        await scene.arrival(200)
      }
    },
  },
  {
    name: 'A7',
    title: 'a second agent with the same state: it refuses, the first goes on',
    isShort: false,
    async run(scene) {
      await scene.begin()
      const { host } = scene.stage.engine
      const flags = [
        '--docker',
        host,
        '--server',
        scene.network.address,
        '--state',
        scene.stateDir,
        '--lock-wait',
        '1s',
      ]
      const second = await swarmlogs(['agent', ...flags, '--insecure'])
      if (second.code !== 1) throw new Error(`the second agent ended with ${second.code}: ${second.stderr}`)
      await scene.arrival(500)
    },
  },
  {
    name: 'A8',
    title: 'the agent is stopped (in the long form once for 10 minutes) while logs of 2 x 100 KB rotate',
    isShort: true,
    mayLose: true,
    async run(scene) {
      // Slower in the long form, which would keep this machine busy for ten minutes: the logs rotate every few seconds all the same.
      await scene.begin(3, { burst: 100, pauseMs: scene.times(20, 500), flags: ROTATING })
      const rounds = scene.times(1, 10)
      for (let round = 1; round <= rounds; round++) {
        scene.agent.child.kill('SIGSTOP')
        await scene.pause(4000, 8000)
        if (round === rounds) await delay(scene.times(0, 600_000))
        scene.agent.child.kill('SIGCONT')
        scene.over()
        await scene.arrival(500)
      }
    },
  },
  {
    name: 'A14',
    title: 'the server is away until a spool of 128 KB that drops the oldest lines is full',
    isShort: true,
    mayLose: true,
    async run(scene) {
      await scene.startServer()
      await scene.startAgent({ flags: ['--spool-size', '128KiB', '--spool-policy', 'drop-oldest'] })
      await scene.print(3, { burst: 50 })
      await scene.arrival(1000)
      for (let round = 0; round < scene.times(1, 10); round++) {
        await scene.server.end('SIGKILL')
        const before = scene.agent.stderr().length
        const isFull = async () => scene.agent.stderr().slice(before).includes('spool is full')
        await eventually('a full spool', 60_000, isFull)
        await scene.pause(500, 2000)
        await scene.startServer()
        await scene.arrival(500)
      }
    },
  },
  {
    name: 'A9',
    title: 'no more memory than 160 MB, and 50 or 500 containers that print at once',
    isShort: false,
    async run(scene) {
      const group = `/sys/fs/cgroup/memory/swarmlogs-faults-${process.pid}`
      await run('sh', ['-c', `mkdir ${group} && echo ${MEMORY_BYTES} >${group}/memory.limit_in_bytes`])
      scene.cleanUp(async () => void (await run('rmdir', [group])))
      await scene.startServer()
      // The engine is busy with its containers for longer than the agent with their lines.
      await scene.print(scene.times(50, 500), { burst: 20, pauseMs: 1000 })
      await scene.startAgent({ within: ['sh', '-c', `echo $$ >${group}/cgroup.procs && exec "$@"`, 'sh'] })
      await scene.arrival(20_000)
      const { exitCode, signalCode } = scene.agent.child
      if (exitCode !== null || signalCode !== null) throw new Error('the agent was killed')
    },
  },
  {
    name: 'A10',
    title: 'so few open files that not all containers can be followed, then enough',
    isShort: false,
    async run(scene) {
      await scene.startServer()
      await scene.startAgent({ within: ['prlimit', '--nofile=48:4096'] })
      await scene.print(30, { burst: 2, pauseMs: 100 })
      await scene.arrival(100)
      await delay(5000)
      await run('prlimit', ['--pid', String(scene.agent.child.pid), '--nofile=4096:4096'])
      scene.over()
      await eventually('lines of the last container', 60_000, async () => (await scene.count('printer29')) > 0)
    },
  },
]
