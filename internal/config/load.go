package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix begins the name of every variable.
const prefix = "HEFFL_"

// ErrHelp says that help was asked for and printed: there is nothing left to do.
var ErrHelp = errors.New("help was printed")

// Problems are everything that is wrong with the command line and the environment.
type Problems []string //nolint:errname // what they are is a list of problems

// Error lists the problems, one a line.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// Load reads the command line and the environment ("NAME=value", as os.Environ gives it). Help goes to stdout.
// Its error is ErrHelp or Problems.
func Load(args, environ []string, stdout io.Writer) (*Config, error) {
	var f flags
	var helped bool
	env := readEnvironment(environ)
	parser, err := kong.New(&f,
		kong.Name("bff"),
		kong.Description("Heffl's notification back end: a GraphQL API. Without a command and without any setting it serves for development: loopback only, everything embedded."),
		kong.Writers(stdout, io.Discard),
		kong.Exit(func(int) { helped = true }),
		kong.UsageOnError(),
		kong.Resolvers(env),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, NoExpandSubcommands: true}),
	)
	if err != nil {
		return nil, Problems{"the command line cannot be described: " + err.Error()}
	}
	known := describeVariables(parser)
	problems := env.problems(known)
	args, unknown := withoutUnknownFlags(parser, args)
	problems = append(problems, unknown...)
	ctx, err := parser.Parse(args)
	if helped {
		return nil, ErrHelp
	}
	if err != nil {
		return nil, append(problems, sentence(err.Error()))
	}
	c, more := f.resolve(Command(commandOf(ctx)), env)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, problems
	}
	c.OwnCollector = slices.ContainsFunc(environ, func(line string) bool { return strings.HasPrefix(line, "GOGC=") })
	return c, nil
}

// commandOf is the command as it was written, without arguments.
func commandOf(ctx *kong.Context) string {
	command := ctx.Command()
	if command == "" {
		return string(Serve)
	}
	return command
}

// describeVariables adds the name of its variable to the help of every flag and answers all names.
func describeVariables(parser *kong.Kong) map[string]bool {
	names := map[string]bool{}
	_ = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Name != "help" {
			name := variable(flag.Name)
			if _, own := commandFlags[flag.Name]; !own {
				names[name] = true
				flag.Help = strings.TrimSuffix(flag.Help, " ") + " (" + name
				if flag.Tag.Has("secret") {
					names[name+"_FILE"] = true
					flag.Help += " or " + name + "_FILE"
				}
				flag.Help += ")"
			}
		}
		return next(nil)
	})
	return names
}

// commandFlags belong to one command; they are no settings and have no variable.
var commandFlags = map[string]struct{}{"after-restore": {}, "user": {}, "scope": {}, "ttl": {}}

// withoutUnknownFlags takes out flags that do not exist, so that all of them can be told at once.
func withoutUnknownFlags(parser *kong.Kong, args []string) (rest, problems []string) {
	known := map[string]bool{"help": true}
	_ = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if strings.HasPrefix(arg, "--") && name != "" && !known[name] {
			problems = append(problems, fmt.Sprintf("--%s: there is no such flag; --help lists all of them.", name))
			continue
		}
		rest = append(rest, arg)
	}
	return rest, problems
}

func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func sentence(s string) string {
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// environment is the variables of ours; it is a kong.Resolver.
type environment map[string]string

func readEnvironment(environ []string) environment {
	env := environment{}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, prefix) {
			env[name] = value
		}
	}
	return env
}

// Validate is part of kong.Resolver; problems are reported together by Load.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve is the variable's value for a flag, or the content of the file that its _FILE twin names.
func (env environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if _, own := commandFlags[flag.Name]; own {
		return nil, nil //nolint:nilnil // kong's way to say "not set here"
	}
	name := variable(flag.Name)
	if value, ok := env[name]; ok && value != "" {
		return value, nil
	}
	path := env[name+"_FILE"]
	if path == "" || !flag.Tag.Has("secret") {
		return nil, nil //nolint:nilnil // kong's way to say "not set here"
	}
	content, err := os.ReadFile(path) //nolint:gosec // reading the file that the operator names is the purpose
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // problems lists every unreadable file
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// problems are variables that nobody knows, that are there twice, or whose file cannot be read.
func (env environment) problems(known map[string]bool) Problems {
	var problems Problems
	for name, value := range env {
		switch {
		case !known[name]:
			problems = append(problems, name+": there is no such variable; --help lists all of them.")
		case strings.HasSuffix(name, "_FILE") && value != "":
			if env[strings.TrimSuffix(name, "_FILE")] != "" {
				problems = append(problems, fmt.Sprintf("%s: %s is set too; set one of the two.", name, strings.TrimSuffix(name, "_FILE")))
			}
			if _, err := os.ReadFile(value); err != nil { //nolint:gosec // the same file
				problems = append(problems, name+": the file cannot be read.")
			}
		}
	}
	slices.Sort(problems)
	return problems
}
