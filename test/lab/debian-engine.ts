import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { which } from './install.ts'
import { run } from './run.ts'
import { step } from './step.ts'

/** Engines that the lab can start: '20' is the one that Debian 12 installs, '26' is Debian 13's, unpacked beside it. */
export type EngineVersion = '20' | '26'

/** Whether a word names an engine version. */
export function isEngineVersion(word: string): word is EngineVersion {
  return word === '20' || word === '26'
}

// Debian 12 has every library that Debian 13's engine asks for, and a runc of its own, which serves both.
const packages = ['docker.io', 'containerd', 'tini']
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

let unpacking: Promise<string> | undefined

/** The folders to put first in PATH for an engine version; empty for the machine's own. Downloads engine 26 once, then keeps it in the user's cache. */
export async function enginePath(version: EngineVersion): Promise<string> {
  if (version === '20' || (await installedMajor()) >= 26) return ''
  unpacking ??= unpackEngine26()
  return unpacking
}

async function installedMajor(): Promise<number> {
  const said = await run(which('dockerd') ?? 'dockerd', ['--version'])
  return Number(/version (\d+)/.exec(said)?.[1] ?? 0)
}

async function unpackEngine26(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'swarmlogs')
  const dir = join(cache, 'engine26')
  if (!existsSync(join(dir, 'usr/sbin/dockerd')))
    await step("downloading Debian 13's Docker engine", async () => {
      const draft = `${dir}.${process.pid}`
      try {
        await download(draft)
        // Two that do this at once end with one whole folder: the later rename fails, and finds it.
        if (!existsSync(dir)) renameSync(join(draft, 'root'), dir)
      } finally {
        rmSync(draft, { recursive: true, force: true })
      }
    })
  return [join(dir, 'usr/sbin'), join(dir, 'usr/bin'), ''].join(':')
}

/** Lets apt fetch and verify the packages of the next release, with lists and files in a folder of their own. */
async function download(dir: string): Promise<void> {
  mkdirSync(join(dir, 'lists/partial'), { recursive: true })
  mkdirSync(join(dir, 'archives/partial'), { recursive: true })
  const list = join(dir, 'next.list')
  writeFileSync(list, `deb [signed-by=${keyring}] ${await mirror()} trixie main\n`)
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(dir, 'lists'),
    'Dir::Cache': dir,
  }
  const options = ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
  await run('apt-get', [...options, 'update'], { timeoutMs: 600_000 })
  await run('apt-get', [...options, 'download', ...packages], { cwd: dir, timeoutMs: 900_000 })
  for (const deb of globSync(join(dir, '*.deb'))) await run('dpkg', ['-x', deb, join(dir, 'root')])
}

/** The address that this machine's apt takes its own release from. */
async function mirror(): Promise<string> {
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  const said = await run('apt-get', ['indextargets', '--format', '$(CODENAME) $(REPO_URI)'])
  const line = said.split('\n').find((target) => target.startsWith(`${codename} `))
  if (line === undefined)
    throw new Error('cannot find a Debian mirror: apt has no source for this release; add one, then run apt-get update')
  return line.slice(codename.length + 1)
}
