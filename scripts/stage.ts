// Stages the root file system of the image as one tar: a Node binary with its libraries, CA certificates, the production
// dependencies and dist. Usage: node scripts/stage.ts FILE.tar
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'

const TAR = process.argv[2] ?? 'rootfs.tar'
const USER = 65532

// What a package holds for people and compilers, not for Node.
const unusedFile = /\.(map|md|markdown|ts|mts|cts|flow|tsbuildinfo)$/
const unusedFolder = /^(test|tests|__tests__|docs?|examples?|bench|benchmarks?|\.github)$/

if (process.platform !== 'linux')
  throw new Error('cannot stage an image for Linux on another system: build it on Linux')
const root = mkdtempSync(join(tmpdir(), 'swarmlogs-stage-'))
try {
  stageDependencies()
  stageProgram()
  stageLibraries()
  stageSystem()
  pack()
} finally {
  rmSync(root, { recursive: true })
}

/** Copies the packages that the lockfile does not call dev: `npm ci` has installed and verified just these. */
function stageDependencies(): void {
  const { packages }: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    readFileSync('package-lock.json', 'utf8'),
  )
  for (const [path, { dev }] of Object.entries(packages)) {
    // Node itself goes to /usr/bin, without its headers; types are for the compiler.
    const isWanted = path !== '' && !dev && !/^node_modules\/(node-linux-|@types\/)/.test(path) && existsSync(path)
    if (isWanted) copyPackage(path)
  }
}

function copyPackage(path: string): void {
  const isUsed = (file: string) => {
    if (file === path) return true
    // A package inside a package has an entry of its own in the lockfile.
    if (basename(file) === 'node_modules') return false
    return !unusedFile.test(file) && !(dirname(file) === path && unusedFolder.test(basename(file)))
  }
  cpSync(path, join(root, 'app', path), { recursive: true, filter: isUsed })
}

function stageProgram(): void {
  copy('package.json', '/app/package.json')
  copy('LICENSE', '/app/LICENSE')
  cpSync('dist', join(root, 'app/dist'), { recursive: true, filter: (file) => !unusedFile.test(file) })
  copy(process.execPath, '/usr/bin/node')
}

/** Copies every library that Node or a native module asks for, the loader included, to the place where it is asked for. */
function stageLibraries(): void {
  const binaries = [join(root, 'usr/bin/node'), ...globSync(join(root, 'app/node_modules/**/*.{node,so}'))]
  const libraries = new Set(binaries.flatMap(librariesOf))
  // glibc older than 2.34 loads these by name when it looks up a host.
  for (const library of [...libraries])
    for (const name of ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'])
      if (basename(library) === 'libc.so.6') libraries.add(join(dirname(library), name))
  for (const library of libraries) if (existsSync(library)) copy(library, library)
}

function librariesOf(binary: string): string[] {
  try {
    const said = execFileSync('ldd', [binary], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return [...said.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '').filter((path) => !path.startsWith(root))
  } catch {
    // A module for another C library or processor, which is never loaded here.
    return []
  }
}

function stageSystem(): void {
  write('/etc/passwd', `root:x:0:0::/:/none\nswarmlogs:x:${USER}:${USER}::/:/none\n`)
  write('/etc/group', `root:x:0:\nswarmlogs:x:${USER}:\n`)
  write('/etc/nsswitch.conf', 'hosts: files dns\n')
  // Node's own list, so that the image does not depend on what the building machine trusts.
  write('/etc/ssl/certs/ca-certificates.crt', `${rootCertificates.join('\n')}\n`)
  for (const folder of ['tmp', 'var/lib/swarmlogs', 'var/lib/swarmlogs-agent'])
    mkdirSync(join(root, folder), { recursive: true })
}

/** A tar carries owners, so that nobody needs to be root to stage them, and `ADD` keeps them. */
function pack(): void {
  const tar = (mode: string, user: number, permissions: string[], folders: string[]) =>
    execFileSync('tar', [
      `-${mode}f`,
      TAR,
      '-C',
      root,
      `--owner=:${user}`,
      `--group=:${user}`,
      '--sort=name',
      ...permissions,
      ...folders,
    ])
  tar('c', 0, ['--mode=u=rwX,go=rX', '--exclude=./var/lib/*', '--exclude=./tmp'], ['.'])
  // A new volume takes over owner and mode of the folder that it is mounted on. The agent's user differs from site to site.
  tar('r', USER, ['--mode=0700'], ['./var/lib/swarmlogs'])
  tar('r', 0, ['--mode=1777'], ['./tmp', './var/lib/swarmlogs-agent'])
}

function copy(from: string, to: string): void {
  copyFileSync(from, inStage(to))
}

function write(path: string, text: string): void {
  writeFileSync(inStage(path), text)
}

/** The path inside the stage, its folder made. */
function inStage(path: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  return join(root, path)
}
