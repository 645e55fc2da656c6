import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaHome, unpackElastic } from './elastic-package.ts'
import { which } from './install.ts'
import { run } from './run.ts'
import { step } from './step.ts'

/** The name of the lab's Elasticsearch image. */
export const ELASTIC_IMAGE = 'lab/elasticsearch:1'

const CHECKS = fileURLToPath(new URL('elastic-image/BootstrapChecks.java', import.meta.url))
const HOME = '/usr/share/elasticsearch'

// What the published image does before it starts the server, with the release's own scripts; its settings come from variables there, too.
const ENTRYPOINT = `#!/bin/bash
set -e
umask 0002
cd ${HOME}
source bin/elasticsearch-env-from-file
if [[ -n "$ELASTIC_PASSWORD" && ! -f config/elasticsearch.keystore ]]; then
  echo "$ELASTIC_PASSWORD" | bin/elasticsearch-keystore add --force --stdin bootstrap.password
fi
exec bin/elasticsearch "$@"
`

/**
 * Imports an image into each engine that is, as far as stack.elasticsearch.yml can tell, the published one, which no lab can pull: the same
 * place, user, settings by variables, password by file, and curl; the release's minimal build and this machine's Java in it.
 */
export async function importElastic(
  engines: readonly { docker(args: readonly string[]): Promise<string> }[],
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-elastic-'))
  try {
    await step('making an Elasticsearch image', async () => {
      const tar = await stage(dir)
      const changes = [
        'USER 1000:0',
        `WORKDIR ${HOME}`,
        'ENV PATH=/bin ES_JAVA_HOME=/java',
        'ENTRYPOINT ["/bin/bash", "/entrypoint.sh"]',
      ].flatMap((change) => ['--change', change])
      await Promise.all(engines.map((engine) => engine.docker(['import', ...changes, tar, ELASTIC_IMAGE])))
    })
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function stage(dir: string): Promise<string> {
  const root = join(dir, 'root')
  const home = join(root, HOME)
  mkdirSync(dirname(home), { recursive: true })
  await run('mv', [await unpackElastic(dir), home])
  await run('sed', [
    '-i',
    's/^ES_DISTRIBUTION_TYPE=.*/ES_DISTRIBUTION_TYPE=docker/',
    join(home, 'bin/elasticsearch-env'),
  ])
  await allowFewFiles(home)
  for (const folder of ['data', 'config/certs']) mkdirSync(join(home, folder), { recursive: true })
  for (const folder of ['bin', 'conf', 'lib', 'release'])
    cpSync(join(javaHome(), folder), join(root, 'java', folder), {
      recursive: true,
      dereference: true,
      filter: (file) => !/\/(src\.zip|ct\.sym)$/.test(file),
    })
  await stagePrograms(root)
  writeFileSync(join(root, 'entrypoint.sh'), ENTRYPOINT)
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
  const tar = join(dir, 'elastic.tar')
  await run('tar', ['-C', root, '--owner=:1000', '--group=:0', '-cf', tar, '.'])
  return tar
}

/** Puts our check of open files in the place of Elasticsearch's. */
async function allowFewFiles(home: string): Promise<void> {
  const patch = join(home, 'patch')
  mkdirSync(patch)
  await run('javac', ['-proc:none', '--release', '17', '-d', patch, '-cp', join(home, 'lib/*'), CHECKS])
  rmSync(join(patch, 'org/elasticsearch/bootstrap/BootstrapChecks.class'))
  // Three servers start at once on a few cores: the fast compiler alone gets there sooner.
  const options = `--patch-module=org.elasticsearch.server=${HOME}/patch\n-XX:TieredStopAtLevel=1\n`
  writeFileSync(join(home, 'config/jvm.options.d/lab.options'), options)
}

/** A shell, curl and what scripts call, each with its libraries at the place where they are asked for. */
async function stagePrograms(root: string): Promise<void> {
  const [bash, curl, busybox] = ['bash', 'curl', 'busybox'].map((name) => which(name) ?? `/bin/${name}`)
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, 'etc'))
  for (const program of [bash, curl, busybox])
    if (program !== undefined) copyFileSync(program, join(root, 'bin', program.replace(/.*\//, '')))
  const applets = ['basename', 'cat', 'dirname', 'env', 'expr', 'grep', 'ls', 'sleep', 'stat', 'uname', 'sh']
  for (const applet of applets) await run('ln', ['-s', 'busybox', join(root, 'bin', applet)])
  await run('ln', ['-s', 'bin', join(root, 'usr/bin')])
  writeFileSync(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\nelasticsearch:x:1000:0::${HOME}:/bin/bash\n`)
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  const java = ['bin/java', 'lib/libjava.so', 'lib/libnet.so', 'lib/libnio.so', 'lib/libzip.so', 'lib/server/libjvm.so']
  const binaries = [bash, curl, busybox, ...java.map((file) => join(javaHome(), file))]
  for (const binary of binaries) if (binary !== undefined) await stageLibraries(root, binary)
}

async function stageLibraries(root: string, binary: string): Promise<void> {
  const said = await run('ldd', [binary]).catch(() => '')
  for (const [, library = ''] of said.matchAll(/(\/\S+) \(0x/g)) {
    const place = join(root, library)
    // Java's own are beside it.
    if (library.includes('/jvm/') || existsSync(place)) continue
    mkdirSync(dirname(place), { recursive: true })
    copyFileSync(library, place)
  }
}
