//! Every change of the files that was applied leads to an empty plan.

use super::checkout::Checkout;

/// One change of the files, and what it does.
struct Edit {
    what: &'static str,
    file: &'static str,
    /// Empty: the file is written anew.
    from: &'static str,
    to: &'static str,
    plan: Expect,
}

enum Expect {
    /// Exactly these, in the order of their addresses.
    Changes(&'static [&'static str]),
    /// One action on so many.
    All(&'static str, usize),
    /// The plan is refused with this code.
    Refused(&'static str),
}

use Expect::{All, Changes, Refused};

const EXTRA: &str = "stacks/dev/extra.hcl";

const EDITS: &[Edit] = &[
    Edit {
        what: "a tag of every resource",
        file: "stacks/dev/stack.hcl",
        from: "env = \"dev\" }",
        to: "env = \"dev\", team = \"web\" }",
        plan: All("update", 87),
    },
    Edit {
        what: "descriptions of rules",
        file: "stacks/modules/network/security.hcl",
        from: "= each.key\n}",
        to: "= \"flow ${each.key}\"\n}",
        plan: All("update", 8),
    },
    Edit {
        what: "NAT in every zone",
        file: "stacks/dev/network.hcl",
        from: "nat_zones  = [\"a\"]",
        to: "nat_zones  = [\"a\", \"b\", \"c\"]",
        plan: Changes(&[
            "create module.network.aws_eip.nat[\"b\"]",
            "create module.network.aws_eip.nat[\"c\"]",
            "create module.network.aws_nat_gateway.main[\"b\"]",
            "create module.network.aws_nat_gateway.main[\"c\"]",
            "update module.network.aws_route.nat[\"b\"]",
            "update module.network.aws_route.nat[\"c\"]",
        ]),
    },
    Edit {
        what: "NAT in one zone again",
        file: "stacks/dev/network.hcl",
        from: "nat_zones  = [\"a\", \"b\", \"c\"]",
        to: "nat_zones  = [\"a\"]",
        plan: Changes(&[
            "delete module.network.aws_eip.nat[\"b\"]",
            "delete module.network.aws_eip.nat[\"c\"]",
            "delete module.network.aws_nat_gateway.main[\"b\"]",
            "delete module.network.aws_nat_gateway.main[\"c\"]",
            "update module.network.aws_route.nat[\"b\"]",
            "update module.network.aws_route.nat[\"c\"]",
        ]),
    },
    Edit {
        what: "where the edge may be reached from, which is part of a rule's name",
        file: "stacks/dev/network.hcl",
        from: "edge_cidrs = [\"0.0.0.0/0\"]",
        to: "edge_cidrs = [\"203.0.113.0/24\"]",
        plan: Changes(&[
            "delete module.network.aws_vpc_security_group_ingress_rule.range[\"nlb-443-0.0.0.0/0\"]",
            "create module.network.aws_vpc_security_group_ingress_rule.range[\"nlb-443-203.0.113.0/24\"]",
            "delete module.network.aws_vpc_security_group_ingress_rule.range[\"nlb-80-0.0.0.0/0\"]",
            "create module.network.aws_vpc_security_group_ingress_rule.range[\"nlb-80-203.0.113.0/24\"]",
        ]),
    },
    Edit {
        what: "the range of a rule, which is what AWS knows it by",
        file: "stacks/modules/network/security.hcl",
        from: "cidr = var.cidr }",
        to: "cidr = \"10.0.0.0/8\" }",
        plan: Changes(&["replace module.network.aws_vpc_security_group_ingress_rule.range[\"vpce-443\"]"]),
    },
    Edit {
        what: "a rule of a lifecycle policy",
        file: "stacks/modules/registry/main.hcl",
        from: "countNumber = 50",
        to: "countNumber = 30",
        plan: Changes(&["update module.registry.aws_ecr_repository.this[\"devops-demo-dev\"]"]),
    },
    Edit {
        what: "scanning on push",
        file: "stacks/dev/ecr.hcl",
        from: "scan_on_push = false",
        to: "scan_on_push = true",
        plan: Changes(&["update module.registry.aws_ecr_repository.this[\"devops-demo-dev\"]"]),
    },
    Edit {
        what: "one more repository",
        file: "stacks/dev/ecr.hcl",
        from: "[\"devops-demo-dev\"]",
        to: "[\"devops-demo-dev\", \"tools\"]",
        plan: Changes(&["create module.registry.aws_ecr_repository.this[\"tools\"]"]),
    },
    Edit {
        what: "a repository less",
        file: "stacks/dev/ecr.hcl",
        from: "[\"devops-demo-dev\", \"tools\"]",
        to: "[\"devops-demo-dev\"]",
        plan: Changes(&["delete module.registry.aws_ecr_repository.this[\"tools\"]"]),
    },
    Edit {
        what: "a group's description, which cannot change in place",
        file: "stacks/modules/network/security.hcl",
        from: "\"Client VPN associations\"",
        to: "\"Associations of the client VPN\"",
        plan: Changes(&[
            "replace module.network.aws_security_group.this[\"vpn\"]",
            "replace module.network.aws_vpc_security_group_egress_rule.flow[\"vpn-to-api\"]",
            "replace module.network.aws_vpc_security_group_ingress_rule.flow[\"vpn-to-api\"]",
        ]),
    },
    Edit {
        what: "certificate authorities of a record",
        file: "stacks/modules/dns/main.hcl",
        from: "[\"amazon.com\", \"letsencrypt.org\"]",
        to: "[\"amazon.com\"]",
        plan: Changes(&["update module.dns.aws_route53_record.caa"]),
    },
    Edit {
        what: "instance types, which cannot change in place",
        file: "stacks/dev/eks.hcl",
        from: "\"m5a.large\", \"m5d.large\"",
        to: "\"m5a.large\"",
        plan: Changes(&["replace module.eks.aws_eks_node_group.this[\"spot\"]"]),
    },
    Edit {
        what: "what nodes are made from",
        file: "stacks/modules/eks/node.mime",
        from: "maxPods: 110",
        to: "maxPods: 100",
        plan: Changes(&[
            "update module.eks.aws_eks_node_group.this[\"ondemand\"]",
            "update module.eks.aws_eks_node_group.this[\"spot\"]",
            "update module.eks.aws_eks_node_group.this[\"system\"]",
            "update module.eks.aws_launch_template.node",
        ]),
    },
    Edit {
        what: "bounds that leave the autoscaler's size outside",
        file: "stacks/dev/eks.hcl",
        from: "min = 1, max = 6",
        to: "min = 2, max = 6",
        plan: Changes(&["update module.eks.aws_eks_node_group.this[\"spot\"]"]),
    },
    Edit {
        what: "a version of an add-on",
        file: "stacks/modules/eks/versions.hcl",
        from: "v1.14.3-eksbuild.11",
        to: "v1.14.2-eksbuild.4",
        plan: Changes(&["update module.eks.aws_eks_addon.after_nodes[\"coredns\"]"]),
    },
    Edit {
        what: "a configuration that the add-on does not take",
        file: "stacks/modules/eks/addons.hcl",
        from: "WARM_PREFIX_TARGET ",
        to: "WARM_PREFIX_TARGETS ",
        plan: Refused("refused-settings"),
    },
    Edit {
        what: "an API that is open to everybody",
        file: "stacks/dev/eks.hcl",
        from: "198.51.100.7/32",
        to: "0.0.0.0/0",
        plan: Refused("validation"),
    },
    Edit {
        what: "logs of the control plane",
        file: "stacks/dev/eks.hcl",
        from: "\"api\", \"audit\", \"authenticator\"",
        to: "\"api\", \"scheduler\"",
        plan: Changes(&["update module.eks.aws_eks_cluster.main"]),
    },
    Edit {
        what: "other names of roles, which are other principals",
        file: "stacks/modules/eks/access.hcl",
        from: "\"${var.name}-${each.key}\"",
        to: "\"${var.name}-${each.key}s\"",
        plan: Changes(&[
            "replace module.eks.aws_eks_access_entry.person[\"admin\"]",
            "replace module.eks.aws_eks_access_entry.person[\"developer\"]",
            "replace module.eks.aws_eks_access_policy_association.person[\"admin\"]",
            "replace module.eks.aws_eks_access_policy_association.person[\"developer\"]",
            "replace module.eks.aws_iam_role.person[\"admin\"]",
            "replace module.eks.aws_iam_role.person[\"developer\"]",
        ]),
    },
    Edit {
        what: "another name for a module",
        file: "stacks/dev/kms.hcl",
        from: "",
        to: "moved {\n  from = module.eks_key\n  to   = module.cluster_key\n}\n\nmodule \"cluster_key\" {\n  source      = \"../modules/key\"\n  name        = \"${local.name}-eks\"\n  description = \"Kubernetes secrets of ${local.name}\"\n}\n\nlocals { secrets_key = module.cluster_key.arn }\n",
        plan: Changes(&["move module.cluster_key.aws_kms_alias.main", "move module.cluster_key.aws_kms_key.main"]),
    },
    Edit {
        what: "a protected repository",
        file: EXTRA,
        from: "",
        to: "resource \"aws_ecr_repository\" \"extra\" {\n  name = \"extra\"\n  lifecycle { prevent_destroy = true }\n}\n",
        plan: Changes(&["create aws_ecr_repository.extra"]),
    },
    Edit { what: "a protected repository less", file: EXTRA, from: "", to: "", plan: Refused("prevent-destroy") },
    Edit {
        what: "what is left to others, and its protection lifted",
        file: EXTRA,
        from: "",
        to: "resource \"aws_ecr_repository\" \"extra\" {\n  name = \"extra\"\n  image_tag_mutability = \"IMMUTABLE\"\n  lifecycle {\n    ignore_changes  = [image_tag_mutability]\n    prevent_destroy = false\n  }\n}\n",
        plan: Changes(&["update aws_ecr_repository.extra"]),
    },
    Edit {
        what: "another name for a resource",
        file: EXTRA,
        from: "",
        to: "moved {\n  from = aws_ecr_repository.extra\n  to   = aws_ecr_repository.more\n}\nvariable \"on\" { default = true }\nresource \"aws_ecr_repository\" \"more\" {\n  enabled = var.on\n  name = \"extra\"\n}\n",
        plan: Changes(&["move aws_ecr_repository.more"]),
    },
    Edit {
        what: "a resource that is switched off",
        file: EXTRA,
        from: "default = true",
        to: "default = false",
        plan: Changes(&["delete aws_ecr_repository.more"]),
    },
    Edit {
        what: "a resource that is switched on",
        file: EXTRA,
        from: "default = false",
        to: "default = true",
        plan: Changes(&["create aws_ecr_repository.more"]),
    },
    Edit {
        what: "a resource that is given away",
        file: EXTRA,
        from: "",
        to: "removed {\n  from = aws_ecr_repository.more\n  lifecycle { destroy = false }\n}\n",
        plan: Changes(&["forget aws_ecr_repository.more"]),
    },
    Edit {
        what: "a resource that is taken back",
        file: EXTRA,
        from: "",
        to: "import {\n  to = aws_ecr_repository.more\n  id = \"extra\"\n}\nresource \"aws_ecr_repository\" \"more\" {\n  name = \"extra\"\n}\n",
        plan: Changes(&["import aws_ecr_repository.more"]),
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_is_planned_applied_and_done() {
    let here = Checkout::local("700000000005", "700000000006").await;
    here.run("apply dev --auto-approve").ends(0);
    for edit in EDITS {
        let before = std::fs::read_to_string(here.path().join(edit.file)).unwrap_or_default();
        match edit.from {
            "" => here.write(edit.file, edit.to),
            from => here.edit(edit.file, from, edit.to),
        }
        match &edit.plan {
            Changes(changes) => assert_eq!(here.planned("dev"), *changes, "{}", edit.what),
            All(action, count) => {
                let planned = here.planned("dev");
                assert!(planned.iter().all(|it| it.starts_with(&format!("{action} "))), "{}: {planned:#?}", edit.what);
                assert_eq!(planned.len(), *count, "{}: {planned:#?}", edit.what);
            }
            Refused(code) => {
                for command in ["plan dev", "apply dev --auto-approve"] {
                    assert_eq!(here.run(command).ends(1).codes(), [*code], "{}", edit.what);
                }
                here.write(edit.file, &before);
                continue;
            }
        }
        here.run("apply dev --auto-approve").ends(0);
        let again = here.planned("dev");
        assert!(again.is_empty(), "{}: still to do: {again:#?}", edit.what);
        here.is_settled("dev");
    }
    here.run("destroy dev --auto-approve").ends(0);
}
