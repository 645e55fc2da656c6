import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SwarmlogsError } from '../../shared/errors.ts'
import { programVersion } from '../../shared/version.ts'
import type { CommandSpec } from '../command.ts'
import { pluginPath } from '../config.ts'

const EXAMPLES = `
Makes \`docker swarmlogs\` a command of docker: a small script in
~/.docker/cli-plugins starts this very program. docker's own --host and --context
are taken over for --direct.

Examples:
  swarmlogs plugin install
  docker swarmlogs tail -f web
  swarmlogs plugin uninstall`

/** The command `plugin`. */
export const plugin: CommandSpec = {
  operand: { form: '<install|uninstall>', values: ['install', 'uninstall'], text: 'what to do' },
  flags: [],
  help: EXAMPLES,
  run,
}

async function run([action = '']: readonly string[]): Promise<void> {
  const path = pluginPath()
  if (action === 'install') {
    attempt(path, () => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, script())
      chmodSync(path, 0o755)
    })
    process.stdout.write(`installed ${path}: docker swarmlogs --help\n`)
  } else if (action === 'uninstall') {
    attempt(path, () => rmSync(path, { force: true }))
    process.stdout.write(`removed ${path}\n`)
  } else throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot ${action} a plugin: give install or uninstall`)
}

function attempt(path: string, action: () => void): void {
  try {
    action()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot change ${path}: ${reason}`, { cause })
  }
}

/** docker asks each plugin for its metadata at each help: the shell answers that without starting Node. */
function script(): string {
  const metadata = {
    ...{ SchemaVersion: '0.1.0', Vendor: 'swarmlogs', Version: programVersion() },
    ShortDescription: 'Logs of a Docker Swarm',
  }
  const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url))
  return `#!/bin/sh
# Made by \`swarmlogs plugin install\`.
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '${JSON.stringify(metadata)}'
  exit 0
fi
while [ $# -gt 0 ] && [ "$1" != swarmlogs ]; do
  case "$1" in
    -H | --host) export DOCKER_HOST="$2"; shift ;;
    --host=*) export DOCKER_HOST="\${1#*=}" ;;
    -c | --context) export DOCKER_CONTEXT="$2"; shift ;;
    --context=*) export DOCKER_CONTEXT="\${1#*=}" ;;
  esac
  shift
done
[ $# -gt 0 ] && shift
exec ${quoted(process.execPath)} ${quoted(main)} "$@"
`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
