package main

import (
	helmv3 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := helmv3.NewRelease(ctx, "a", &helmv3.ReleaseArgs{
			Chart:      pulumi.String("a"),
			Postrender: pulumi.String("../render/tolerations.sh"),
		})
		return err
	})
}
