//! What mappings see of an instance, its reservation and its status.

use aws_sdk_ec2::types::*;

use super::super::projection::Members;
use super::members::{operator_members, tag_members};

/// `Properties` of an instance. The names are those of the API, which its XML writes differently.
pub fn instance_members(instance: &Instance, arn: String) -> Members {
    Members::new()
        .value("AmiLaunchIndex", instance.ami_launch_index)
        .text("Architecture", &instance.architecture)
        .objects("BlockDeviceMappings", &instance.block_device_mappings, block_device_mapping_members)
        .text("BootMode", &instance.boot_mode)
        .object(
            "CapacityReservationSpecification",
            &instance.capacity_reservation_specification,
            capacity_reservation_specification_members,
        )
        .text("ClientToken", &instance.client_token)
        .object("CpuOptions", &instance.cpu_options, cpu_options_members)
        .text("CurrentInstanceBootMode", &instance.current_instance_boot_mode)
        .value("EbsOptimized", instance.ebs_optimized)
        .object("EnclaveOptions", &instance.enclave_options, |options| Members::new().value("Enabled", options.enabled))
        .value("EnaSupport", instance.ena_support)
        .object("HibernationOptions", &instance.hibernation_options, |options| {
            Members::new().value("Configured", options.configured)
        })
        .text("Hypervisor", &instance.hypervisor)
        .text("ImageId", &instance.image_id)
        .text("InstanceArn", &Some(arn))
        .text("InstanceId", &instance.instance_id)
        .text("InstanceType", &instance.instance_type)
        .text("KeyName", &instance.key_name)
        .time("LaunchTime", &instance.launch_time)
        .object("MaintenanceOptions", &instance.maintenance_options, |options| {
            Members::new()
                .text("AutoRecovery", &options.auto_recovery)
                .text("RebootMigration", &options.reboot_migration)
        })
        .object("MetadataOptions", &instance.metadata_options, metadata_options_members)
        .object("Monitoring", &instance.monitoring, |monitoring| Members::new().text("State", &monitoring.state))
        .objects("NetworkInterfaces", &instance.network_interfaces, network_interface_members)
        .object("NetworkPerformanceOptions", &instance.network_performance_options, |options| {
            Members::new().text("BandwidthWeighting", &options.bandwidth_weighting)
        })
        .object("Operator", &instance.operator, operator_members)
        .object("Placement", &instance.placement, placement_members)
        .text("Platform", &instance.platform)
        .text("PlatformDetails", &instance.platform_details)
        .text("PrivateDnsName", &instance.private_dns_name)
        .object("PrivateDnsNameOptions", &instance.private_dns_name_options, |options| {
            Members::new()
                .text("HostnameType", &options.hostname_type)
                .value("EnableResourceNameDnsARecord", options.enable_resource_name_dns_a_record)
                .value("EnableResourceNameDnsAAAARecord", options.enable_resource_name_dns_aaaa_record)
        })
        .text("PrivateIpAddress", &instance.private_ip_address)
        .objects("ProductCodes", &instance.product_codes, |product_code| {
            Members::new()
                .text("ProductCodeId", &product_code.product_code_id)
                .text("ProductCodeType", &product_code.product_code_type)
        })
        .text("PublicDnsName", &instance.public_dns_name)
        .text("PublicIpAddress", &instance.public_ip_address)
        // Mappings know it by two names.
        .text("Reason", &instance.state_transition_reason)
        .text("RootDeviceName", &instance.root_device_name)
        .text("RootDeviceType", &instance.root_device_type)
        .objects("SecurityGroups", &instance.security_groups, group_members)
        .value("SourceDestCheck", instance.source_dest_check)
        .object("State", &instance.state, state_members)
        .object("StateReason", &instance.state_reason, |reason| {
            Members::new().text("Code", &reason.code).text("Message", &reason.message)
        })
        .text("StateTransitionReason", &instance.state_transition_reason)
        .text("SubnetId", &instance.subnet_id)
        .objects("Tags", &instance.tags, tag_members)
        .text("UsageOperation", &instance.usage_operation)
        .time("UsageOperationUpdateTime", &instance.usage_operation_update_time)
        .text("VirtualizationType", &instance.virtualization_type)
        .text("VpcId", &instance.vpc_id)
        .object("IamInstanceProfile", &instance.iam_instance_profile, |profile| {
            Members::new().text("Arn", &profile.arn).text("Id", &profile.id)
        })
        .text("InstanceLifecycle", &instance.instance_lifecycle)
        .objects("ElasticGpuAssociations", &instance.elastic_gpu_associations, elastic_gpu_association_members)
        .objects(
            "ElasticInferenceAcceleratorAssociations",
            &instance.elastic_inference_accelerator_associations,
            elastic_inference_accelerator_association_members,
        )
        .text("OutpostArn", &instance.outpost_arn)
        .text("SpotInstanceRequestId", &instance.spot_instance_request_id)
        .text("SriovNetSupport", &instance.sriov_net_support)
        .text("CapacityBlockId", &instance.capacity_block_id)
        .text("CapacityReservationId", &instance.capacity_reservation_id)
        .objects("Licenses", &instance.licenses, |license| {
            Members::new().text("LicenseConfigurationArn", &license.license_configuration_arn)
        })
        .text("Ipv6Address", &instance.ipv6_address)
        .text("TpmSupport", &instance.tpm_support)
        .objects("SecondaryInterfaces", &instance.secondary_interfaces, secondary_interface_members)
        .text("KernelId", &instance.kernel_id)
        .text("RamdiskId", &instance.ramdisk_id)
}

/// What `__ExtraContext` says of an instance's reservation.
pub fn reservation_members(reservation: &Reservation) -> Members {
    Members::new()
        .text("ReservationId", &reservation.reservation_id)
        .text("OwnerId", &reservation.owner_id)
        .text("RequesterId", &reservation.requester_id)
        .objects("Groups", &reservation.groups, group_members)
}

/// What an instance's status adds to its `Properties`, or puts in place of what they have.
pub fn status_members(status: &InstanceStatus) -> Members {
    Members::new()
        .text("AvailabilityZone", &status.availability_zone)
        .text("AvailabilityZoneId", &status.availability_zone_id)
        .text("OutpostArn", &status.outpost_arn)
        .object("Operator", &status.operator, operator_members)
        .objects("Events", &status.events, |event| {
            Members::new()
                .text("InstanceEventId", &event.instance_event_id)
                .text("Code", &event.code)
                .text("Description", &event.description)
                .time("NotAfter", &event.not_after)
                .time("NotBefore", &event.not_before)
                .time("NotBeforeDeadline", &event.not_before_deadline)
        })
        .text("InstanceId", &status.instance_id)
        .object("InstanceState", &status.instance_state, state_members)
        .object("InstanceStatus", &status.instance_status, status_summary_members)
        .object("SystemStatus", &status.system_status, status_summary_members)
        .object("AttachedEbsStatus", &status.attached_ebs_status, |summary| {
            Members::new()
                .objects("Details", &summary.details, |details| {
                    Members::new()
                        .time("ImpairedSince", &details.impaired_since)
                        .text("Name", &details.name)
                        .text("Status", &details.status)
                })
                .text("Status", &summary.status)
        })
        .object("ApplicationStatus", &status.application_status, |summary| {
            Members::new().text("Status", &summary.status).time("ImpairedSince", &summary.impaired_since)
        })
        .object("PerformanceStatus", &status.performance_status, |summary| {
            Members::new()
                .text("Status", &summary.status)
                .time("ImpairedSince", &summary.impaired_since)
                .text("Remediation", &summary.remediation)
        })
}

fn status_summary_members(summary: &InstanceStatusSummary) -> Members {
    Members::new()
        .objects("Details", &summary.details, |details| {
            Members::new()
                .time("ImpairedSince", &details.impaired_since)
                .text("Name", &details.name)
                .text("Status", &details.status)
        })
        .text("Status", &summary.status)
}

fn state_members(state: &InstanceState) -> Members {
    Members::new().value("Code", state.code).text("Name", &state.name)
}

fn group_members(group: &GroupIdentifier) -> Members {
    Members::new().text("GroupId", &group.group_id).text("GroupName", &group.group_name)
}

fn block_device_mapping_members(mapping: &InstanceBlockDeviceMapping) -> Members {
    Members::new().text("DeviceName", &mapping.device_name).object("Ebs", &mapping.ebs, |ebs| {
        Members::new()
            .time("AttachTime", &ebs.attach_time)
            .value("DeleteOnTermination", ebs.delete_on_termination)
            .text("Status", &ebs.status)
            .text("VolumeId", &ebs.volume_id)
            .text("AssociatedResource", &ebs.associated_resource)
            .text("VolumeOwnerId", &ebs.volume_owner_id)
            .object("Operator", &ebs.operator, operator_members)
            .value("EbsCardIndex", ebs.ebs_card_index)
    })
}

fn capacity_reservation_specification_members(specification: &CapacityReservationSpecificationResponse) -> Members {
    Members::new().text("CapacityReservationPreference", &specification.capacity_reservation_preference).object(
        "CapacityReservationTarget",
        &specification.capacity_reservation_target,
        |target| {
            Members::new()
                .text("CapacityReservationId", &target.capacity_reservation_id)
                .text("CapacityReservationResourceGroupArn", &target.capacity_reservation_resource_group_arn)
        },
    )
}

fn cpu_options_members(options: &CpuOptions) -> Members {
    Members::new()
        .value("CoreCount", options.core_count)
        .value("ThreadsPerCore", options.threads_per_core)
        .text("AmdSevSnp", &options.amd_sev_snp)
        .text("NestedVirtualization", &options.nested_virtualization)
}

fn metadata_options_members(options: &InstanceMetadataOptionsResponse) -> Members {
    Members::new()
        .text("State", &options.state)
        .text("HttpTokens", &options.http_tokens)
        .value("HttpPutResponseHopLimit", options.http_put_response_hop_limit)
        .text("HttpEndpoint", &options.http_endpoint)
        .text("HttpProtocolIpv6", &options.http_protocol_ipv6)
        .text("InstanceMetadataTags", &options.instance_metadata_tags)
}

fn placement_members(placement: &Placement) -> Members {
    Members::new()
        .text("AvailabilityZoneId", &placement.availability_zone_id)
        .text("Affinity", &placement.affinity)
        .text("GroupName", &placement.group_name)
        .value("PartitionNumber", placement.partition_number)
        .text("HostId", &placement.host_id)
        .text("Tenancy", &placement.tenancy)
        .text("SpreadDomain", &placement.spread_domain)
        .text("HostResourceGroupArn", &placement.host_resource_group_arn)
        .text("GroupId", &placement.group_id)
        .text("AvailabilityZone", &placement.availability_zone)
}

fn elastic_gpu_association_members(association: &ElasticGpuAssociation) -> Members {
    Members::new()
        .text("ElasticGpuId", &association.elastic_gpu_id)
        .text("ElasticGpuAssociationId", &association.elastic_gpu_association_id)
        .text("ElasticGpuAssociationState", &association.elastic_gpu_association_state)
        .text("ElasticGpuAssociationTime", &association.elastic_gpu_association_time)
}

fn elastic_inference_accelerator_association_members(association: &ElasticInferenceAcceleratorAssociation) -> Members {
    Members::new()
        .text("ElasticInferenceAcceleratorArn", &association.elastic_inference_accelerator_arn)
        .text("ElasticInferenceAcceleratorAssociationId", &association.elastic_inference_accelerator_association_id)
        .text(
            "ElasticInferenceAcceleratorAssociationState",
            &association.elastic_inference_accelerator_association_state,
        )
        .time("ElasticInferenceAcceleratorAssociationTime", &association.elastic_inference_accelerator_association_time)
}

fn network_interface_members(interface: &InstanceNetworkInterface) -> Members {
    Members::new()
        .object("Association", &interface.association, association_members)
        .object("Attachment", &interface.attachment, attachment_members)
        .text("Description", &interface.description)
        .objects("Groups", &interface.groups, group_members)
        .objects("Ipv6Addresses", &interface.ipv6_addresses, |address| {
            Members::new().text("Ipv6Address", &address.ipv6_address).value("IsPrimaryIpv6", address.is_primary_ipv6)
        })
        .text("MacAddress", &interface.mac_address)
        .text("NetworkInterfaceId", &interface.network_interface_id)
        .text("OwnerId", &interface.owner_id)
        .text("PrivateDnsName", &interface.private_dns_name)
        .text("PrivateIpAddress", &interface.private_ip_address)
        .objects("PrivateIpAddresses", &interface.private_ip_addresses, |address| {
            Members::new()
                .object("Association", &address.association, association_members)
                .value("Primary", address.primary)
                .text("PrivateDnsName", &address.private_dns_name)
                .text("PrivateIpAddress", &address.private_ip_address)
        })
        .value("SourceDestCheck", interface.source_dest_check)
        .text("Status", &interface.status)
        .text("SubnetId", &interface.subnet_id)
        .text("VpcId", &interface.vpc_id)
        .text("InterfaceType", &interface.interface_type)
        .objects("Ipv4Prefixes", &interface.ipv4_prefixes, |prefix| {
            Members::new().text("Ipv4Prefix", &prefix.ipv4_prefix)
        })
        .objects("Ipv6Prefixes", &interface.ipv6_prefixes, |prefix| {
            Members::new().text("Ipv6Prefix", &prefix.ipv6_prefix)
        })
        .object("ConnectionTrackingConfiguration", &interface.connection_tracking_configuration, |configuration| {
            Members::new()
                .value("TcpEstablishedTimeout", configuration.tcp_established_timeout)
                .value("UdpStreamTimeout", configuration.udp_stream_timeout)
                .value("UdpTimeout", configuration.udp_timeout)
        })
        .object("Operator", &interface.operator, operator_members)
}

fn association_members(association: &InstanceNetworkInterfaceAssociation) -> Members {
    Members::new()
        .text("CarrierIp", &association.carrier_ip)
        .text("CustomerOwnedIp", &association.customer_owned_ip)
        .text("IpOwnerId", &association.ip_owner_id)
        .text("PublicDnsName", &association.public_dns_name)
        .text("PublicIp", &association.public_ip)
}

fn attachment_members(attachment: &InstanceNetworkInterfaceAttachment) -> Members {
    Members::new()
        .time("AttachTime", &attachment.attach_time)
        .text("AttachmentId", &attachment.attachment_id)
        .value("DeleteOnTermination", attachment.delete_on_termination)
        .value("DeviceIndex", attachment.device_index)
        .text("Status", &attachment.status)
        .value("NetworkCardIndex", attachment.network_card_index)
        .object("EnaSrdSpecification", &attachment.ena_srd_specification, |specification| {
            Members::new().value("EnaSrdEnabled", specification.ena_srd_enabled).object(
                "EnaSrdUdpSpecification",
                &specification.ena_srd_udp_specification,
                |udp| Members::new().value("EnaSrdUdpEnabled", udp.ena_srd_udp_enabled),
            )
        })
        .value("EnaQueueCount", attachment.ena_queue_count)
}

fn secondary_interface_members(interface: &InstanceSecondaryInterface) -> Members {
    Members::new()
        .object("Attachment", &interface.attachment, |attachment| {
            Members::new()
                .time("AttachTime", &attachment.attach_time)
                .text("AttachmentId", &attachment.attachment_id)
                .value("DeleteOnTermination", attachment.delete_on_termination)
                .value("DeviceIndex", attachment.device_index)
                .text("Status", &attachment.status)
                .value("NetworkCardIndex", attachment.network_card_index)
        })
        .text("MacAddress", &interface.mac_address)
        .text("SecondaryInterfaceId", &interface.secondary_interface_id)
        .text("OwnerId", &interface.owner_id)
        .objects("PrivateIpAddresses", &interface.private_ip_addresses, |address| {
            Members::new().text("PrivateIpAddress", &address.private_ip_address)
        })
        .value("SourceDestCheck", interface.source_dest_check)
        .text("Status", &interface.status)
        .text("SecondarySubnetId", &interface.secondary_subnet_id)
        .text("SecondaryNetworkId", &interface.secondary_network_id)
        .text("InterfaceType", &interface.interface_type)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;
    use serde_json::Value;

    use super::*;

    fn time(text: &str) -> DateTime {
        DateTime::from_str(text, Format::DateTime).unwrap()
    }

    /// An instance whose answer has the empty elements that EC2 usually sends.
    fn instance() -> Instance {
        let ebs = EbsInstanceBlockDevice::builder()
            .attach_time(time("2024-01-02T03:04:06.500Z"))
            .delete_on_termination(true)
            .status(AttachmentStatus::Attached)
            .volume_id("vol-1")
            .build();
        let mapping = InstanceBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(ebs).build();
        let placement = Placement::builder().group_name("").tenancy(Tenancy::Default).availability_zone("eu-west-1a");
        let state = InstanceState::builder().code(16).name(InstanceStateName::Running);
        Instance::builder()
            .ami_launch_index(0)
            .block_device_mappings(mapping)
            .ebs_optimized(false)
            .image_id("ami-1")
            .instance_id("i-1")
            .instance_type(InstanceType::T3Micro)
            .launch_time(time("2024-01-02T03:04:05.000Z"))
            .placement(placement.build())
            .private_dns_name("")
            .set_product_codes(Some(Vec::new()))
            .public_dns_name("")
            .state(state.build())
            .state_transition_reason("")
            .tags(Tag::builder().key("Name").value("web").build())
            .iam_instance_profile(IamInstanceProfile::builder().arn("arn:p").id("AIPA").build())
            .build()
    }

    #[test]
    fn an_instance_has_the_members_that_were_answered_in_their_order() {
        let arn = "arn:aws:ec2:eu-west-1:123456789012:instance/i-1".to_owned();
        let properties = Value::from(instance_members(&instance(), arn)).to_string();
        assert_eq!(
            properties,
            concat!(
                r#"{"AmiLaunchIndex":0,"BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":"#,
                r#"{"AttachTime":"2024-01-02T03:04:06.500000Z","DeleteOnTermination":true,"#,
                r#""Status":"attached","VolumeId":"vol-1"}}],"EbsOptimized":false,"#,
                r#""ImageId":"ami-1","#,
                r#""InstanceArn":"arn:aws:ec2:eu-west-1:123456789012:instance/i-1","#,
                r#""InstanceId":"i-1","InstanceType":"t3.micro","#,
                r#""LaunchTime":"2024-01-02T03:04:05Z","#,
                r#""Placement":{"GroupName":"","Tenancy":"default","#,
                r#""AvailabilityZone":"eu-west-1a"},"PrivateDnsName":"","ProductCodes":[],"#,
                r#""PublicDnsName":"","Reason":"","State":{"Code":16,"Name":"running"},"#,
                r#""StateTransitionReason":"","Tags":[{"Key":"Name","Value":"web"}],"#,
                r#""IamInstanceProfile":{"Arn":"arn:p","Id":"AIPA"}}"#,
            )
        );
    }

    #[test]
    fn a_reservation_goes_into_the_context() {
        let reservation = Reservation::builder()
            .reservation_id("r-1")
            .owner_id("123456789012")
            .set_groups(Some(Vec::new()))
            .instances(instance())
            .build();
        assert_eq!(
            Value::from(reservation_members(&reservation)).to_string(),
            r#"{"ReservationId":"r-1","OwnerId":"123456789012","Groups":[]}"#
        );
    }

    #[test]
    fn a_status_has_its_events_and_summaries() {
        let event =
            InstanceStatusEvent::builder().code(EventCode::SystemReboot).not_before(time("2024-02-03T04:05:06.789Z"));
        let details = InstanceStatusDetails::builder()
            .impaired_since(time("2024-01-02T03:04:05Z"))
            .name(StatusName::Reachability)
            .status(StatusType::Failed);
        let summary = InstanceStatusSummary::builder().details(details.build()).status(SummaryStatus::Impaired).build();
        let status = InstanceStatus::builder()
            .instance_id("i-1")
            .availability_zone("eu-west-1a")
            .events(event.build())
            .instance_state(InstanceState::builder().code(16).name(InstanceStateName::Running).build())
            .system_status(summary)
            .build();
        assert_eq!(
            Value::from(status_members(&status)).to_string(),
            concat!(
                r#"{"AvailabilityZone":"eu-west-1a","#,
                r#""Events":[{"Code":"system-reboot","NotBefore":"2024-02-03T04:05:06.789000Z"}],"#,
                r#""InstanceId":"i-1","InstanceState":{"Code":16,"Name":"running"},"#,
                r#""SystemStatus":{"Details":[{"ImpairedSince":"2024-01-02T03:04:05Z","#,
                r#""Name":"reachability","Status":"failed"}],"Status":"impaired"}}"#,
            )
        );
    }
}
