/** What a bundle says of itself to those who open it without swarmlogs. */
export const README = `This is an incident bundle of swarmlogs: log lines of a Docker Swarm, and what was known of them.

  manifest.json        what this is, who saved it and when, what was asked for, the sha256 of each file
  lines/*.parquet      the lines; times are nanoseconds since 1970
  gaps.ndjson          lines that could not be collected: container, from, to, reason, how many
  completeness.json    whether all lines that were asked for are here
  notes.ndjson         what people noted
  inventory.json       services, tasks, nodes and images
  knowledge.json       what swarmlogs needs to answer as the server did

With swarmlogs:   swarmlogs incident verify FILE.slog
                  swarmlogs --archive FILE.slog search 'level>=error'
                  swarmlogs --archive FILE.slog ui

Without it:       tar -xf FILE.slog
                  duckdb -c "SELECT make_timestamp_ns(time), service, message FROM 'lines/*.parquet' ORDER BY time"
                  python3 -c "import pandas; print(pandas.read_parquet('lines'))"
                  jq -r '.members[] | .sha256 + "  " + .name' manifest.json | sha256sum -c
`
