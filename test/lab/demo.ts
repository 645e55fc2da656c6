import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildImage, createStack, type Deployment, deployFile, waitUntilCollecting } from './deploy.ts'
import { ensureDocker } from './install.ts'
import { clearPlace, keptPlaces, ownPlaces, type Place } from './place.ts'
import { run } from './run.ts'
import { dropSteps, step } from './step.ts'
import { type Swarm, startSwarm } from './swarm.ts'

const usage = `Shows swarmlogs on a real three-node Docker Swarm, which it makes on this machine and removes again.

Usage: npm run demo [-- OPTIONS]

Installs what is missing (Debian's docker.io and friends), builds, starts a Swarm in network namespaces, builds the image,
deploys stack.yml and a sample stack, then runs "swarmlogs tail web --since 10m -f" until Ctrl-C, which removes all of it.

Options:
  --keep      leave it running, and say how to use and stop it
  --stop      stop what --keep left running
  -h, --help  this text

Examples:
  npm run demo
  npm run demo -- --keep
`
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = join(ROOT, 'dist/cli/main.js')
const NOTE = 'demo.json'
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const [option, ...others] = process.argv.slice(2)
if (others.length > 0 || !['--keep', '--stop', '-h', '--help', undefined].includes(option)) {
  process.stderr.write(`cannot use ${process.argv.slice(2).join(' ')}: see npm run demo -- --help\n`)
  process.exitCode = 2
} else if (option === '-h' || option === '--help') process.stdout.write(usage)
else if (option === '--stop') await stopKept()
else process.exit(await demonstrate(option === '--keep')) // A set-up that a signal broke off is still waiting for something.

/** The whole show; answers the exit code. */
async function demonstrate(isKept: boolean): Promise<number> {
  const signal = firstSignal()
  try {
    // The set-up is dropped at a signal where it stands: all that it made is in a place of this process.
    const ended = await Promise.race([signal, setUp(isKept)])
    if (typeof ended === 'string') {
      dropSteps()
      return EXIT_CODES[ended]
    }
    if (isKept) return printUse(ended)
    await tail(ended.deployment, signal)
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  } finally {
    for (const place of ownPlaces()) await remove(place)
  }
}

interface Show {
  readonly swarm: Swarm
  readonly deployment: Deployment
}

async function setUp(isKept: boolean): Promise<Show> {
  await ensureDocker()
  await step('compiling', () => run('sh', ['scripts/build'], { cwd: ROOT }))
  const engines = ['20', '26', '26'] as const
  const swarm = await step('starting a Swarm of three nodes, engines 20.10 and 26.1', () =>
    startSwarm({ nodes: 3, engines }),
  )
  const image = await step('building the image and copying it to every node', () => buildImage(swarm))
  const deployment = await step('docker stack deploy -c stack.yml swarmlogs', () => createStack(swarm, image, 1))
  const sample = join(ROOT, 'test/lab/sample.yml')
  await step('docker stack deploy -c sample.yml shop', () =>
    deployFile(swarm, sample, 'shop', { SWARMLOGS_IMAGE: image }),
  )
  await step('waiting for the server and the agents of all nodes', () => waitUntilCollecting(swarm, deployment))
  if (isKept) {
    writeFileSync(join(swarm.place.dir, NOTE), JSON.stringify(deployment))
    swarm.keep()
  }
  return { swarm, deployment }
}

/** Runs the command that it is all about. Ctrl-C reaches it from the terminal; other signals are passed on. */
async function tail({ url, token }: Deployment, signal: Promise<keyof typeof EXIT_CODES>): Promise<void> {
  const args = ['tail', 'web', '--since', '10m', '-f']
  process.stderr.write(`\nswarmlogs ${args.join(' ')}        (Ctrl-C ends the demo)\n\n`)
  const env = { ...process.env, SWARMLOGS_URL: url, SWARMLOGS_TOKEN: token }
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: 'inherit' })
  void signal.then((name) => child.kill(name))
  await once(child, 'exit')
  process.stderr.write('\n')
}

function printUse({ swarm, deployment }: Show): number {
  process.stdout.write(`
It runs, and stays. To use it:

  export SWARMLOGS_URL=${deployment.url} SWARMLOGS_TOKEN=${deployment.token}
  npx swarmlogs tail web --since 10m -f
  npx swarmlogs logs shop_api
  npx swarmlogs search ECONNREFUSED --since 1h
  npx swarmlogs nodes
  docker -H ${swarm.host(1)} service ls

To stop it and remove all of it:

  npm run demo -- --stop
`)
  return 0
}

async function stopKept(): Promise<void> {
  const demos = keptPlaces().filter((place) => existsSync(join(place.dir, NOTE)))
  if (demos.length === 0) process.stderr.write('no demo is running\n')
  for (const place of demos) await remove(place)
}

function remove(place: Place): Promise<void> {
  return step('removing the Swarm and all that was made', () => clearPlace(place))
}

/** Resolves with the first signal that asks this process to end; from then on they no longer end it at once. */
function firstSignal(): Promise<keyof typeof EXIT_CODES> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve(name))
  })
}
