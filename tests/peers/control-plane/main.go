// Program control-plane is a Kubernetes control plane for tests, without containers: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, kwok (which plays the kubelet) and kubectl in one binary. Its first argument
// chooses the part, the others are that part's own:
//
//	control-plane kube-apiserver --secure-port 6443 ...
//	control-plane key FILE         writes a new private key, for service accounts
//
// A server ends when its standard input does: whoever starts it holds a pipe, so that nothing is left when the owner
// is gone, however it went. etcd, which holds the data of a run, then removes the folder that CONTROL_PLANE_FOLDER names.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata" // for time zones of CronJobs

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // as the servers' own programs have it
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the same
	_ "k8s.io/component-base/metrics/prometheus/version"  // the same
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("which part? etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok, kubectl, key"))
	}
	part := os.Args[1]
	// Every part reads its arguments from here.
	os.Args = append([]string{part}, os.Args[2:]...)
	switch part {
	case "etcd":
		go endWithOwner(removeFolder)
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		go endWithOwner(nil)
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		go endWithOwner(nil)
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		go endWithOwner(nil)
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		go endWithOwner(nil)
		fail(runKwok())
	case "kubectl":
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	case "key":
		fail(writeKey(os.Args[1]))
	default:
		fail(fmt.Errorf("there is no part %q", part))
	}
}

// fail ends the program: with 0 where there is no error.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func endWithOwner(last func()) {
	io.Copy(io.Discard, os.Stdin)
	if last != nil {
		last()
	}
	os.Exit(0)
}

// removeFolder outlives the other parts by a second, as they may still write while they end.
func removeFolder() {
	folder := os.Getenv("CONTROL_PLANE_FOLDER")
	for attempt := 0; folder != "" && attempt < 4; attempt++ {
		time.Sleep(250 * time.Millisecond)
		os.RemoveAll(folder)
	}
}

// runKwok is kwok's own main, beside the flags of the other parts.
func runKwok() error {
	// Kubernetes' packages have registered --version here, as kwok is about to.
	pflag.CommandLine = pflag.NewFlagSet("kwok", pflag.ContinueOnError)
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := kwoklog.InitFlags(context.Background(), flags)
	ctx, err := kwokconfig.InitFlags(ctx, flags)
	if err != nil {
		return err
	}
	command := kwok.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	return command.ExecuteContext(ctx)
}

func writeKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
