import { spawnSync } from 'node:child_process'
import { isEngineVersion } from './debian-engine.ts'
import { keptPlaces, sweep } from './place.ts'
import { step } from './step.ts'
import { openSwarm, type Swarm, startSwarm } from './swarm.ts'

const usage = `A real Docker Swarm on this machine, without a registry, for people; tests use test/lab/swarm.ts.

Usage: test/lab/swarm-lab [--lab N] COMMAND

  up [N] [ENGINE...]  start N nodes (default 3); ENGINE is 20 or 26 for each (default 20)
  ls                  the labs that are up, and their nodes
  docker I ARGS...    run the docker client against node I
  socket I            print node I's DOCKER_HOST
  exec I COMMAND...   run a program in node I's network
  load IMAGE          copy an image from node 1 to the others
  cut I, heal I       take node I off the network, put it back
  kill I, start I     SIGKILL node I's dockerd, start it again
  report              nodes, services, tasks and the end of each engine's log
  down                end the lab and remove what it made
  sweep               remove what killed labs left behind

Examples:
  test/lab/swarm-lab up 3 20 26 26
  test/lab/swarm-lab docker 1 node ls
  test/lab/swarm-lab down
`

const args = process.argv.slice(2)
const wanted = args[0] === '--lab' ? args.splice(0, 2)[1] : undefined
const [command = 'help', ...rest] = args

try {
  process.exitCode = await perform(command, rest)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

/** Does one command and answers its exit code. */
async function perform(name: string, [first = '', ...more]: readonly string[]): Promise<number> {
  switch (name) {
    case 'up':
      return up(Number(first || '3'), more)
    case 'ls':
      return list()
    case 'docker':
      return inherit(['docker', '--host', lab().host(Number(first)), ...more])
    case 'exec':
      return inherit(lab().enter(Number(first), more))
    case 'socket':
      return print(lab().host(Number(first)))
    case 'load':
      return done(lab().load(first))
    case 'cut':
      return done(lab().cut(Number(first)))
    case 'heal':
      return done(lab().heal(Number(first)))
    case 'kill':
      return done(lab().kill(Number(first)))
    case 'start':
      return done(lab().start(Number(first)))
    case 'report':
      return print(await lab().report())
    case 'down':
      return done(step('taking the Swarm down', () => lab().down()))
    case 'sweep':
      return done(sweep())
    case 'help':
    case '--help':
    case '-h':
      return print(usage)
    default:
      throw new Error(`cannot do ${name}: see test/lab/swarm-lab --help`)
  }
}

async function up(nodes: number, versions: readonly string[]): Promise<number> {
  const engines = versions.filter(isEngineVersion)
  if (!(nodes >= 1 && nodes <= 250) || engines.length < versions.length)
    throw new Error('cannot start that: give a number of nodes, then 20 or 26 for each')
  const swarm = await step(`starting a Swarm of ${nodes} nodes`, () => startSwarm({ nodes, engines }))
  swarm.keep()
  return print(`lab ${swarm.place.number}\n${await swarm.docker(1, ['node', 'ls'])}`)
}

function list(): number {
  for (const { place, daemons } of labs())
    for (const { host, options } of daemons)
      print(`lab ${place.number}  ${options.hostname}  engine ${options.version}  ${host}`)
  return 0
}

function labs(): Swarm[] {
  return keptPlaces()
    .map(openSwarm)
    .filter((swarm) => swarm !== undefined)
}

/** The lab that is meant: the one named by --lab, else the only one that is up. */
function lab(): Swarm {
  const up = labs().filter(({ place }) => wanted === undefined || place.number === Number(wanted))
  const [swarm] = up
  if (swarm === undefined) throw new Error('cannot find a lab: none is up; start one with test/lab/swarm-lab up')
  if (up.length > 1) throw new Error('cannot tell which lab is meant: name it with --lab N; ls lists them')
  return swarm
}

async function done(work: Promise<void>): Promise<number> {
  await work
  return 0
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

function inherit([program = '', ...programArgs]: readonly string[]): number {
  return spawnSync(program, programArgs, { stdio: 'inherit' }).status ?? 1
}
