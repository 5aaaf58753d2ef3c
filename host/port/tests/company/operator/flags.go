package main

import "github.com/spf13/pflag"

func flags(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "post-renderer", "", "the path to an executable, as helm --post-renderer ./x.sh")
}
