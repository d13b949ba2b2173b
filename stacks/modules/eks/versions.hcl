# What runs, each version once. Nothing moves by itself: a change here is planned and applied like any other.

locals {
  kubernetes = "1.36"
  nodes      = "1.36.3-20260714" # AL2023
  addons = {
    vpc-cni                = "v1.23.0-eksbuild.1"
    kube-proxy             = "v1.36.3-eksbuild.2"
    eks-pod-identity-agent = "v0.1.37-eksbuild.1"
    coredns                = "v1.14.3-eksbuild.11"
    aws-ebs-csi-driver     = "v1.64.0-eksbuild.1"
  }
}
