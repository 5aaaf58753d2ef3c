manifests[0].data.list = args.join(",");
