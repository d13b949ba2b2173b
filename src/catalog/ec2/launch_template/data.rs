//! The data of a version: as EC2 takes it, and as EC2 tells it.

use aws_sdk_ec2::types as sdk;

use super::{BlockDevice, Ebs, LaunchTemplate, Metadata, Monitoring, Profile, TagSpecification};
use crate::catalog::ec2::{read_tags, tag};
use crate::catalog::tags::Tags;
use crate::schema::field::{Arn, Auto, Fixed, Local};

impl LaunchTemplate {
    pub fn to_sdk(&self) -> sdk::RequestLaunchTemplateData {
        let devices: Vec<_> = self.block_device_mappings.iter().map(BlockDevice::to_sdk).collect();
        let tagged: Vec<_> = self.tag_specifications.iter().map(TagSpecification::to_sdk).collect();
        let groups: Vec<_> = self.vpc_security_group_ids.iter().cloned().collect();
        sdk::RequestLaunchTemplateData::builder()
            .set_image_id(self.image_id.clone())
            .set_instance_type(self.instance_type.as_deref().map(sdk::InstanceType::from))
            .set_key_name(self.key_name.clone())
            .set_ebs_optimized(self.ebs_optimized)
            .set_security_group_ids(some(groups))
            .set_user_data(self.user_data.clone())
            .set_monitoring(
                self.monitoring.as_ref().map(|it| sdk::LaunchTemplatesMonitoringRequest::builder().enabled(it.enabled).build()),
            )
            .set_iam_instance_profile(self.iam_instance_profile.as_ref().map(Profile::to_sdk))
            .set_block_device_mappings(some(devices))
            .set_metadata_options(self.metadata_options.as_ref().map(Metadata::to_sdk))
            .set_tag_specifications(some(tagged))
            .build()
    }

    /// What a version says; the rest is the template's.
    pub fn seen(it: &sdk::ResponseLaunchTemplateData) -> Self {
        Self {
            name: Fixed::default(),
            description: String::new(),
            default_version: Auto(None),
            update_default_version: Local(false),
            image_id: text(it.image_id()),
            instance_type: text(it.instance_type().map(|it| it.as_str())),
            key_name: text(it.key_name()),
            ebs_optimized: it.ebs_optimized(),
            vpc_security_group_ids: it.security_group_ids().iter().cloned().collect(),
            user_data: text(it.user_data()),
            monitoring: it.monitoring().and_then(|it| it.enabled()).map(|enabled| Monitoring { enabled }),
            iam_instance_profile: it
                .iam_instance_profile()
                .map(|it| Profile { arn: it.arn().map(Arn::from), name: text(it.name()) }),
            block_device_mappings: it.block_device_mappings().iter().map(BlockDevice::seen).collect(),
            metadata_options: it.metadata_options().map(Metadata::seen),
            tag_specifications: it.tag_specifications().iter().map(TagSpecification::seen).collect(),
            tags: Tags::new(),
        }
    }
}

/// EC2 takes no empty lists.
fn some<T>(all: Vec<T>) -> Option<Vec<T>> {
    (!all.is_empty()).then_some(all)
}

/// EC2 may tell what is not set as an empty text.
fn text(it: Option<&str>) -> Option<String> {
    it.filter(|it| !it.is_empty()).map(str::to_owned)
}

impl Profile {
    fn to_sdk(&self) -> sdk::LaunchTemplateIamInstanceProfileSpecificationRequest {
        sdk::LaunchTemplateIamInstanceProfileSpecificationRequest::builder()
            .set_arn(self.arn.as_ref().map(|it| it.0.clone()))
            .set_name(self.name.clone())
            .build()
    }
}

impl BlockDevice {
    fn to_sdk(&self) -> sdk::LaunchTemplateBlockDeviceMappingRequest {
        sdk::LaunchTemplateBlockDeviceMappingRequest::builder()
            .device_name(&self.device_name)
            .set_ebs(self.ebs.as_ref().map(Ebs::to_sdk))
            .build()
    }

    fn seen(it: &sdk::LaunchTemplateBlockDeviceMapping) -> Self {
        Self { device_name: it.device_name().unwrap_or_default().to_owned(), ebs: it.ebs().map(Ebs::seen) }
    }
}

impl Ebs {
    fn to_sdk(&self) -> sdk::LaunchTemplateEbsBlockDeviceRequest {
        sdk::LaunchTemplateEbsBlockDeviceRequest::builder()
            .set_volume_size(self.volume_size)
            .set_volume_type(self.volume_type.as_deref().map(sdk::VolumeType::from))
            .set_iops(self.iops)
            .set_throughput(self.throughput)
            .set_encrypted(self.encrypted)
            .set_kms_key_id(self.kms_key_id.as_ref().map(|it| it.0.clone()))
            .set_delete_on_termination(self.delete_on_termination)
            .set_snapshot_id(self.snapshot_id.clone())
            .build()
    }

    fn seen(it: &sdk::LaunchTemplateEbsBlockDevice) -> Self {
        Self {
            volume_size: it.volume_size(),
            volume_type: text(it.volume_type().map(|it| it.as_str())),
            iops: it.iops(),
            throughput: it.throughput(),
            encrypted: it.encrypted(),
            kms_key_id: it.kms_key_id().map(Arn::from),
            delete_on_termination: it.delete_on_termination(),
            snapshot_id: text(it.snapshot_id()),
        }
    }
}

impl Metadata {
    fn to_sdk(&self) -> sdk::LaunchTemplateInstanceMetadataOptionsRequest {
        let endpoint = sdk::LaunchTemplateInstanceMetadataEndpointState::from;
        sdk::LaunchTemplateInstanceMetadataOptionsRequest::builder()
            .set_http_endpoint(self.http_endpoint.as_deref().map(endpoint))
            .set_http_tokens(self.http_tokens.as_deref().map(sdk::LaunchTemplateHttpTokensState::from))
            .set_http_put_response_hop_limit(self.http_put_response_hop_limit.0)
            .set_instance_metadata_tags(
                self.instance_metadata_tags.as_deref().map(sdk::LaunchTemplateInstanceMetadataTagsState::from),
            )
            .build()
    }

    fn seen(it: &sdk::LaunchTemplateInstanceMetadataOptions) -> Self {
        Self {
            http_endpoint: Auto(text(it.http_endpoint().map(|it| it.as_str()))),
            http_tokens: Auto(text(it.http_tokens().map(|it| it.as_str()))),
            http_put_response_hop_limit: Auto(it.http_put_response_hop_limit()),
            instance_metadata_tags: Auto(text(it.instance_metadata_tags().map(|it| it.as_str()))),
        }
    }
}

impl TagSpecification {
    fn to_sdk(&self) -> sdk::LaunchTemplateTagSpecificationRequest {
        sdk::LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(sdk::ResourceType::from(self.resource_type.as_str()))
            .set_tags(Some(self.tags.iter().map(|(key, value)| tag(key, value)).collect()))
            .build()
    }

    fn seen(it: &sdk::LaunchTemplateTagSpecification) -> Self {
        let resource_type = it.resource_type().map(|it| it.as_str()).unwrap_or_default().to_owned();
        Self { resource_type, tags: read_tags(it.tags()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_was_said() {
        let devices = [sdk::LaunchTemplateBlockDeviceMapping::builder()
            .device_name("/dev/xvda")
            .ebs(sdk::LaunchTemplateEbsBlockDevice::builder().volume_size(50).volume_type(sdk::VolumeType::Gp3).build())
            .build()];
        let live = sdk::ResponseLaunchTemplateData::builder()
            .set_block_device_mappings(Some(devices.into()))
            .image_id("")
            .user_data("IyE=")
            .build();
        let seen = LaunchTemplate::seen(&live);
        assert_eq!((seen.image_id.clone(), seen.user_data.as_deref()), (None, Some("IyE=")));
        let said = seen.to_sdk();
        let ebs = said.block_device_mappings()[0].ebs().unwrap();
        assert_eq!((ebs.volume_size(), ebs.volume_type()), (Some(50), Some(&sdk::VolumeType::Gp3)));
        assert_eq!((said.image_id(), said.tag_specifications().len()), (None, 0));
    }

    #[test]
    fn tags_and_the_default_make_no_version() {
        let it = LaunchTemplate::seen(&sdk::ResponseLaunchTemplateData::builder().build());
        let tagged =
            LaunchTemplate { tags: Tags::from([("a".into(), "b".into())]), default_version: Auto(Some(2)), ..it.clone() };
        assert!(it.is_like(&tagged));
        assert!(!it.is_like(&LaunchTemplate { key_name: Some("k".into()), ..it.clone() }));
    }
}
