import type { FlagSpec } from './command.ts'

/** Flags of how to get into an Elasticsearch, and of the indices that are made there. */
export const ELASTICSEARCH_FLAGS: readonly FlagSpec[] = [
  {
    flags: '--elasticsearch-api-key-file <FILE>',
    text: 'API key (encoded) for it [SWARMLOGS_ELASTICSEARCH_API_KEY_FILE]',
  },
  { flags: '--elasticsearch-user <NAME>', text: 'user for it, instead of an API key' },
  {
    flags: '--elasticsearch-password-file <FILE>',
    text: "the user's password [SWARMLOGS_ELASTICSEARCH_PASSWORD_FILE]",
  },
  { flags: '--elasticsearch-ca <FILE>', text: 'certificate authority (PEM) that its certificate is checked against' },
  { flags: '--elasticsearch-prefix <NAME>', text: 'what the names of its indices begin with (default swarmlogs)' },
  { flags: '--elasticsearch-shards <N>', text: "primary shards of each day's index (default 1)" },
  { flags: '--elasticsearch-replicas <N>', text: 'copies of each shard (default 1)' },
  { flags: '--elasticsearch-refresh <DURATION>', text: 'how soon a search finds new lines (default 1s)' },
]

/** Flags of the storage that archived days are kept on. */
export const ARCHIVE_S3_FLAGS: readonly FlagSpec[] = [
  { flags: '--archive-s3 <URL>', text: 'S3 storage that archived days are kept on: s3://BUCKET/PREFIX' },
  {
    flags: '--archive-cache <SIZE>',
    text: 'how much of what is archived there may be in --archive-dir, too (default 10GiB)',
  },
  { flags: '--archive-s3-endpoint <URL>', text: "its address, when it is not Amazon's" },
  { flags: '--archive-s3-region <NAME>', text: 'its region (default: that of AWS_REGION, or of ~/.aws/config)' },
  { flags: '--archive-s3-path-style', text: 'for storage without host names for buckets: https://HOST/BUCKET/...' },
  {
    flags: '--archive-s3-access-key-file <FILE>',
    text: 'access key for it [SWARMLOGS_ARCHIVE_S3_ACCESS_KEY_FILE] (default: AWS_* variables, ~/.aws, or a role)',
  },
  {
    flags: '--archive-s3-secret-key-file <FILE>',
    text: 'its secret key [SWARMLOGS_ARCHIVE_S3_SECRET_KEY_FILE]',
  },
  { flags: '--archive-s3-sse <KIND>', text: 'have it encrypt what is put there: AES256 or aws:kms' },
  { flags: '--archive-s3-kms-key <ID>', text: 'the key for aws:kms, when it is not the default one' },
  { flags: '--archive-s3-ca <FILE>', text: 'certificate authority (PEM) that its certificate is checked against' },
]

/** Flags of a server's listeners, secrets and store. */
export const STORE_FLAGS: readonly FlagSpec[] = [
  {
    flags: '--data <DIR>',
    text: 'folder of the embedded store (default /var/lib/swarmlogs, or ~/.local/share/swarmlogs for other users than root)',
  },
  { flags: '--listen <HOST:PORT>', text: 'HTTP API (default 127.0.0.1:4280)' },
  { flags: '--forward <HOST:PORT>', text: 'Fluentd forward protocol, for agents and others (default 127.0.0.1:24224)' },
  { flags: '--retention <DURATION>', text: 'how long to keep lines (default 30d)' },
  {
    flags: '--retention-rule <SERVICE=DURATION>',
    text: "how long to keep those of a service (glob; repeatable, the first that fits counts), such as 'debug-*=2d'; it goes before the label swarmlogs.retention",
    isRepeatable: true,
  },
  { flags: '--max-size <SIZE>', text: 'how much disk to use (default 20GiB, or 80 % of what is free)' },
  {
    flags: '--mirror <DIR>',
    text: 'keep the lines as text files, too: DIR/SERVICE/2026-11-21.log, as `docker service logs -t` prints them',
  },
  { flags: '--mirror-max-size <SIZE>', text: 'how large all of these files may be; the oldest go (default 10GiB)' },
  {
    flags: '--archive-after <DURATION>',
    text: 'archive a day (as Parquet files, see `swarmlogs archive`) so long after its end, or never (default 2d)',
  },
  {
    flags: '--archive-dir <DIR>',
    text: "folder of the archive (default archive, in the store's own; with Elasticsearch none, but for --archive-s3)",
  },
  {
    flags: '--archive-max-size <SIZE>',
    text: 'how large the archive may be, the oldest days go (default: it counts for --max-size)',
  },
  ...ARCHIVE_S3_FLAGS,
  { flags: '--segment-size <SIZE>', text: 'when to begin a new file of the store (default 1GiB)' },
  {
    flags: '--query-timeout <DURATION>',
    text: 'how much time a query may take; then its answer is partial (default 30s)',
  },
  { flags: '--memory <SIZE>', text: 'how much memory the store may use for a query' },
  {
    flags: '--token-file <FILE>',
    text: 'tokens for the HTTP API, one a line, all valid at once [SWARMLOGS_TOKEN_FILE]',
  },
  {
    flags: '--shared-key-file <FILE>',
    text: 'shared keys for senders, one a line, all valid at once [SWARMLOGS_SHARED_KEY_FILE]',
  },
  { flags: '--tls-cert <FILE>', text: 'certificate (PEM) for both ports; read anew when it changes' },
  { flags: '--tls-key <FILE>', text: 'its key (PEM)' },
  { flags: '--insecure', text: 'listen beyond this machine without token and shared key' },
  { flags: '--store <NAME>', text: 'embedded or elasticsearch (default embedded)' },
  { flags: '--elasticsearch <URL>', text: 'Elasticsearch 8 or 9: its nodes, with commas between them' },
  ...ELASTICSEARCH_FLAGS,
  { flags: '--peers <HOST:PORT>', text: 'other servers on the same Elasticsearch, such as tasks.server:4280' },
]

/** --docker. */
export const DOCKER_FLAG: FlagSpec = {
  flags: '--docker <HOST>',
  text: 'Docker engine: unix:///var/run/docker.sock, tcp://HOST, ssh://USER@HOST (default as for the docker command)',
}

/** How a server is reached. */
export const SERVER_FLAGS: readonly FlagSpec[] = [
  {
    flags: '--server <HOST:PORT>',
    text: 'server to ship to; every address of the name is tried (default 127.0.0.1:24224)',
  },
  { flags: '--shared-key-file <FILE>', text: "the server's shared key [SWARMLOGS_SHARED_KEY_FILE]" },
  { flags: '--insecure', text: 'ship to another machine without a shared key' },
  { flags: '--tls', text: 'ship over TLS' },
  { flags: '--tls-ca <FILE>', text: 'certificate authority of the server (PEM)' },
]

/** Flags of how an agent reads a node. */
export const NODE_FLAGS: readonly FlagSpec[] = [
  DOCKER_FLAG,
  { flags: '--node-name <NAME>', text: "name of this node (default: the engine's)" },
  { flags: '--cluster <NAME>', text: 'name of the cluster (default: the id of the Swarm)' },
  { flags: '--backfill <DURATION>', text: 'how far back to read a container at its first sight (default 24h)' },
  { flags: '--spool-size <SIZE>', text: 'how much disk unacked lines may take (default 1GiB)' },
  {
    flags: '--spool-policy <POLICY>',
    text: 'when that is full: block (stop reading, Docker holds the lines) or drop-oldest (default block)',
  },
  { flags: '--include-self', text: "follow swarmlogs' own containers, too" },
  {
    flags: '--fluentd-address <HOST:PORT>',
    text: "this server as containers' fluentd log drivers name it; those are not read twice",
  },
]

/** --log-level. */
export const LOG_LEVEL_FLAG: FlagSpec = {
  flags: '--log-level <LEVEL>',
  text: 'trace, debug, info, warn or error (default info)',
}
