// A Kubernetes control plane and the nodes behind it in one binary. The first argument says which part to run:
//
//	kube etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kwok|kubectl FLAGS…
//
// Each part is the upstream command as it is. They share one binary because they share nearly all of their code: it is built once,
// and its pages are in memory once.
//
// KUBE_VERSION in the environment (v1.35.6) is the version that the parts say they are. What they serve is up to --emulated-version.
package main

import (
	"fmt"
	"os"
	"sync/atomic"
	_ "time/tzdata" // time zones of CronJobs
	_ "unsafe"      // go:linkname

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"sigs.k8s.io/kwok/pkg/config"
	kwokcmd "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

// The exported way to set it insists on the minor version of the build.
//
//go:linkname saidVersion k8s.io/component-base/version.dynamicGitVersion
var saidVersion atomic.Value

func main() {
	if version := os.Getenv("KUBE_VERSION"); version != "" {
		saidVersion.Store(version)
	}
	if len(os.Args) < 2 {
		fail("expected the part to run as the first argument")
	}
	part := os.Args[1]
	os.Args = os.Args[1:]
	switch part {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kwok":
		kwok()
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
	default:
		component, known := components[part]
		if !known {
			fail("unknown part " + part)
		}
		os.Exit(cli.Run(component()))
	}
}

// The main function of sigs.k8s.io/kwok/cmd/kwok.
func kwok() {
	// The other parts have put flags of theirs there, which cobra would add to every command.
	pflag.CommandLine = pflag.NewFlagSet("kwok", pflag.ContinueOnError)
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		fail(err.Error())
	}
	command := kwokcmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "kube: "+message)
	os.Exit(1)
}
