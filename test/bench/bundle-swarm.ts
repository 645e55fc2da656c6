/*
 * What one would keep of a service without bundles, beside `swarmlogs incident save` of the same lines: `docker service logs -t SERVICE | zstd -3`
 * on a real Swarm of one node, with a task that printed a million lines (or so many as are given). Time and size of both, in turn.
 *
 *   node test/bench/bundle-swarm.ts [LINES]
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deployStack } from '../lab/deploy.ts'
import { eventually, swarmlogs } from '../lab/program.ts'
import { attempt, run } from '../lab/run.ts'
import { startSwarm } from '../lab/swarm.ts'
import { Corpus } from './corpus.ts'
import { wallTime, withFolder } from './measure.ts'

const LINES = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = 2
/** More than that and a machine is too slow for so many lines: give fewer. */
const PATIENCE_MS = 300_000

/** The lines that the task prints, in a file; answers how many bytes. */
async function write(path: string): Promise<number> {
  const [corpus, file] = [new Corpus(1), createWriteStream(path)]
  for (let line = 0; line < LINES; line++)
    if (!file.write(`${corpus.line(1_795_000_000_000 + line).message}\n`)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
  return (await stat(path)).size
}

/** Saves a bundle; how long that took, and why if it could not be done. */
async function saved(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const started = performance.now()
  const { code, stderr } = await attempt(process.execPath, args, { env, timeoutMs: PATIENCE_MS })
  if (code !== 0) throw new Error(`incident save ended with ${code}: ${stderr}`)
  return performance.now() - started
}

function told(what: string, ms: number, bytes: number, of: number): void {
  process.stdout.write(
    `${what}: ${(ms / 1000).toFixed(1)} s, ${bytes} bytes, ${(bytes / of).toFixed(3)} of the lines\n`,
  )
}

await withFolder(async (folder) => {
  const [lines, bundle, packed] = ['lines', 'web.slog', 'web.log.zst'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const bytes = await write(lines)
  const swarm = await startSwarm({ nodes: 1 })
  try {
    const { url, token } = await deployStack(swarm)
    const env = { SWARMLOGS_URL: url, SWARMLOGS_TOKEN: token }
    const started = performance.now()
    await swarm.docker(1, [
      ...[
        'service',
        'create',
        '-d',
        '--name',
        'web',
        '--network',
        'host',
        '--mount',
        `type=bind,src=${lines},dst=/lines,readonly`,
      ],
      ...['lab/busybox:1', 'sh', '-c', 'cat /lines; sleep 100000'],
    ])
    await eventually('all lines stored', PATIENCE_MS, async () =>
      (await swarmlogs(['services', '-o', 'json'], { env })).stdout.includes(`"records":${LINES}`),
    )
    process.stdout.write(
      `${LINES} lines, ${bytes} bytes, stored ${((performance.now() - started) / 1000).toFixed(0)} s after the start\n`,
    )
    const theirs = `set -o pipefail; docker -H ${swarm.host(1)} service logs -t web 2>&1 | zstd -q -3 -f -o ${packed}`
    const ours = ['dist/cli/main.js', 'incident', 'save', 'bench', 'service:web', '--since', '1h', '-o', bundle]
    for (let round = 0; round < ROUNDS; round++) {
      const theirMs = await wallTime('bash', ['-c', theirs])
      told('docker service logs -t web | zstd -3', theirMs, (await stat(packed)).size, bytes)
      await rm(bundle, { force: true })
      const ourMs = await saved(ours, env)
      told('swarmlogs incident save', ourMs, (await stat(bundle)).size, bytes)
    }
    const kept = (await run('bash', ['-c', `zstd -dcq ${packed} | wc -l`], {})).trim()
    const found = await swarmlogs(['--archive', bundle, 'count', '--since', '1h'], { env })
    process.stdout.write(`lines kept: ${kept} and ${found.stdout.trim()}\n`)
  } finally {
    await swarm.down()
  }
})
