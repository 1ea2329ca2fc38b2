// Package config is the only reader of the command line and the environment.
//
// Every setting is a flag (--database-url), a variable (HEFFL_DATABASE_URL) and, where it is a secret, a file
// (HEFFL_DATABASE_URL_FILE). A flag wins over a variable, a variable over the default. Nothing set at all means
// development: loopback only and everything embedded; production refuses every stand-in.
//
// Load reports every problem it finds at once, in words that say what to do. It opens nothing and connects to nothing.
// Package config imports nothing of ours.
package config
