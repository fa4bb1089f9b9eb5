"""One of every class that a project can own, made and then changed with Debian's openstacksdk.

usage: project.py CLOUDS_YAML CUSTOMER OPERATOR IMAGE_FILE

Prints one JSON object a class: {"class": ..., "made": id, "changed": true}. A class that makes itself (the log of what was
done to a server, a project's key) has nothing to make or change of its own.
"""

import hashlib
import hmac
import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request

os.environ["OS_CLIENT_CONFIG_FILE"] = sys.argv[1]

import openstack  # noqa: E402 (reads the variable)

mine = openstack.connect(cloud=sys.argv[2])
operator = openstack.connect(cloud=sys.argv[3])
image_file = sys.argv[4]
project = mine.current_project_id
made = {}
samples = []


def sample(name):
    """Registers a generator: it makes one, yields its id, and after that changes it."""

    def register(steps):
        samples.append((name, steps))
        return steps

    return register


def call(service, method, path, **options):
    """What this age of the SDK has no word for."""
    answer = getattr(service, method)(path, **options)
    assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.text else {}


@sample("identity.project")
def a_project():
    yield project
    operator.identity.update_project(project, description="changed")


@sample("identity.application_credential")
def an_application_credential():
    one = mine.identity.create_application_credential(mine.current_user_id, name="automation")
    yield one.id


@sample("network.quota")
def a_network_quota():
    operator.network.update_quota(project, networks=50)
    yield project
    operator.network.update_quota(project, networks=60)


@sample("compute.quota")
def a_compute_quota():
    operator.set_compute_quotas(project, instances=12)
    yield project
    operator.set_compute_quotas(project, instances=13)


@sample("network.address_scope")
def an_address_scope():
    one = mine.network.create_address_scope(name="scope", ip_version=4)
    yield one.id
    mine.network.update_address_scope(one, name="scope-2")


@sample("network.subnetpool")
def a_subnet_pool():
    one = mine.network.create_subnet_pool(name="pool", prefixes=["10.90.0.0/16"], default_prefixlen=24)
    yield one.id
    mine.network.update_subnet_pool(one, description="changed")


@sample("network.network")
def a_network():
    one = mine.network.create_network(name="net")
    yield one.id
    mine.network.update_network(one, description="changed")


@sample("network.subnet")
def a_subnet():
    one = mine.network.create_subnet(
        network_id=made["network.network"], name="subnet", ip_version=4, cidr="10.91.0.0/24"
    )
    yield one.id
    mine.network.update_subnet(one, dns_nameservers=["10.91.0.53"])


@sample("network.security_group")
def a_security_group():
    one = mine.network.create_security_group(name="group")
    yield one.id
    mine.network.update_security_group(one, description="changed")


@sample("network.security_group_rule")
def a_rule():
    one = mine.network.create_security_group_rule(
        security_group_id=made["network.security_group"], direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22
    )
    yield one.id


@sample("network.address_group")
def an_address_group():
    one = mine.network.create_address_group(name="addresses", addresses=["192.0.2.0/24"])
    yield one.id
    mine.network.update_address_group(one, description="changed")


@sample("network.qos_policy")
def a_qos_policy():
    # whose policies these are, the operator decides, as in Neutron
    one = operator.network.create_qos_policy(name="slow", project_id=project)
    yield one.id
    operator.network.create_qos_bandwidth_limit_rule(one, max_kbps=20000, direction="egress")
    operator.network.update_qos_policy(one, description="changed")


@sample("network.router")
def a_router():
    public = next(iter(mine.network.networks(is_router_external=True)))
    one = mine.network.create_router(name="router", external_gateway_info={"network_id": public.id})
    yield one.id
    mine.network.add_interface_to_router(one, subnet_id=made["network.subnet"])
    mine.network.update_router(one, description="changed")


@sample("network.port")
def a_port():
    one = mine.network.create_port(network_id=made["network.network"], name="port")
    yield one.id
    mine.network.update_port(one, security_groups=[made["network.security_group"]])


@sample("network.floatingip")
def a_floating_ip():
    public = next(iter(mine.network.networks(is_router_external=True)))
    one = mine.network.create_ip(floating_network_id=public.id)
    yield one.id
    mine.network.update_ip(one, description="changed")


@sample("network.port_forwarding")
def a_port_forwarding():
    port = mine.network.get_port(made["network.port"])
    one = mine.network.create_floating_ip_port_forwarding(
        made["network.floatingip"],
        internal_port_id=port.id,
        internal_ip_address=port.fixed_ips[0]["ip_address"],
        internal_port=22,
        external_port=2222,
        protocol="tcp",
    )
    yield one.id
    mine.network.update_floating_ip_port_forwarding(made["network.floatingip"], one, external_port=2223)


@sample("network.rbac_policy")
def an_rbac_policy():
    one = mine.network.create_rbac_policy(
        object_type="network", object_id=made["network.network"], action="access_as_shared", target_project_id="somebody-else"
    )
    yield one.id
    mine.network.update_rbac_policy(one, target_project_id="somebody-other")


@sample("network.trunk")
def a_trunk():
    parent = mine.network.create_port(network_id=made["network.network"], name="parent")
    one = mine.network.create_trunk(port_id=parent.id, name="trunk")
    yield one.id
    mine.network.update_trunk(one, description="changed")


@sample("image.metadef_namespace")
def a_namespace():
    # what properties mean, the operator says
    body = {"namespace": "Life::Sample", "visibility": "private", "owner": project}
    call(operator.image, "post", "/metadefs/namespaces", json=body)
    yield body["namespace"]
    call(operator.image, "put", "/metadefs/namespaces/Life::Sample", json={**body, "description": "changed"})


@sample("image.image")
def an_image():
    one = mine.create_image(
        "image", filename=image_file, disk_format="qcow2", container_format="bare", wait=True, validate_checksum=False
    )
    yield one.id
    mine.image.update_image(one.id, os_type="linux")


@sample("image.quota")
def an_image_quota():
    # made by the first upload
    yield project


@sample("image.member")
def an_image_member():
    given = operator.image.create_image(
        name="given", visibility="shared", disk_format="raw", container_format="bare", allow_duplicates=True
    )
    operator.image.add_member(given.id, member_id=project)
    yield given.id
    mine.image.update_member(project, given.id, status="accepted")


@sample("compute.flavor_access")
def a_flavor_access():
    flavor = operator.compute.create_flavor(name="private", vcpus=1, ram=64, disk=1, is_public=False)
    operator.compute.flavor_add_tenant_access(flavor.id, project)
    yield flavor.id


@sample("compute.keypair")
def a_key_pair():
    yield mine.compute.create_keypair(name="key").id


@sample("compute.server_group")
def a_server_group():
    yield mine.compute.create_server_group(name="group", policies=["soft-anti-affinity"]).id


@sample("compute.server")
def a_server():
    flavor = mine.compute.find_flavor("mini.tiny")
    image = mine.image.find_image("mini")
    one = mine.compute.create_server(
        name="server",
        flavor_id=flavor.id,
        image_id=image.id,
        networks=[{"port": made["network.port"]}],
        key_name="key",
        scheduler_hints={"group": made["compute.server_group"]},
    )
    mine.compute.wait_for_server(one, wait=300)
    yield one.id
    mine.compute.set_server_metadata(one, role="sample")


@sample("volume.quota")
def a_volume_quota():
    call(operator.block_storage, "put", f"/os-quota-sets/{project}", json={"quota_set": {"volumes": 20}})
    yield project
    call(operator.block_storage, "put", f"/os-quota-sets/{project}", json={"quota_set": {"volumes": 21}})


@sample("volume.type_access")
def a_type_access():
    body = {"volume_type": {"name": "private", "os-volume-type-access:is_public": False}}
    kind = call(operator.block_storage, "post", "/types", json=body)["volume_type"]["id"]
    call(operator.block_storage, "post", f"/types/{kind}/action", json={"addProjectAccess": {"project": project}})
    yield kind


@sample("volume.default_type")
def a_default_type():
    path = f"/default-types/{project}"
    body = {"default_type": {"volume_type": made["volume.type_access"]}}
    call(operator.block_storage, "put", path, json=body, microversion="3.62")
    yield project


@sample("volume.volume")
def a_volume():
    one = mine.block_storage.create_volume(size=1, name="volume")
    mine.block_storage.wait_for_status(one, "available", failures=["error"], interval=1, wait=120)
    yield one.id
    mine.block_storage.extend_volume(one.id, 2)
    mine.block_storage.wait_for_status(mine.block_storage.get_volume(one.id), "available", interval=1, wait=120)


@sample("compute.server_disk")
def an_attachment():
    body = {"volumeAttachment": {"volumeId": made["volume.volume"]}}
    call(mine.compute, "post", f"/servers/{made['compute.server']}/os-volume_attachments", json=body)
    one = mine.block_storage.get_volume(made["volume.volume"])
    mine.block_storage.wait_for_status(one, "in-use", failures=["error"], interval=1, wait=120)
    yield one.id


@sample("volume.attachment")
def the_volumes_side_of_it():
    found = call(mine.block_storage, "get", "/attachments", microversion="3.27")["attachments"]
    yield found[0]["id"]


@sample("volume.snapshot")
def a_snapshot():
    one = mine.block_storage.create_snapshot(volume_id=made["volume.volume"], name="snapshot", is_forced=True)
    mine.block_storage.wait_for_status(one, "available", failures=["error"], interval=1, wait=120)
    yield one.id
    call(mine.block_storage, "put", f"/snapshots/{one.id}", json={"snapshot": {"description": "changed"}})


@sample("volume.backup")
def a_backup():
    # the volume is attached, so it must be forced
    one = mine.block_storage.create_backup(volume_id=made["volume.volume"], name="backup", force=True)
    mine.block_storage.wait_for_status(one, "available", failures=["error"], interval=1, wait=120)
    yield one.id
    body = {"backup": {"description": "changed"}}
    call(mine.block_storage, "put", f"/backups/{one.id}", json=body, microversion="3.9")


@sample("volume.transfer")
def a_transfer():
    one = mine.block_storage.create_volume(size=1, name="given away")
    mine.block_storage.wait_for_status(one, "available", failures=["error"], interval=1, wait=120)
    body = {"transfer": {"volume_id": one.id, "name": "gift"}}
    yield call(mine.block_storage, "post", "/os-volume-transfer", json=body)["transfer"]["id"]


@sample("volume.group")
def a_group_of_volumes():
    body = {"group_type": {"name": "life"}}
    kind = call(operator.block_storage, "post", "/group_types", json=body, microversion="3.11")["group_type"]["id"]
    body = {"group": {"name": "group", "group_type": kind, "volume_types": ["standard"]}}
    one = call(mine.block_storage, "post", "/groups", json=body, microversion="3.13")["group"]["id"]
    volume = mine.block_storage.create_volume(size=1, name="in a group", volume_type="standard")
    mine.block_storage.wait_for_status(volume, "available", failures=["error"], interval=1, wait=120)
    yield one
    body = {"group": {"description": "changed", "add_volumes": volume.id}}
    call(mine.block_storage, "put", f"/groups/{one}", json=body, microversion="3.13")


@sample("volume.group_snapshot")
def a_group_snapshot():
    body = {"group_snapshot": {"group_id": made["volume.group"], "name": "snapshot"}}
    made_one = call(mine.block_storage, "post", "/group_snapshots", json=body, microversion="3.14")
    yield made_one["group_snapshot"]["id"]


@sample("identity.credential")
def an_ec2_credential():
    path = f"/users/{mine.current_user_id}/credentials/OS-EC2"
    yield call(mine.identity, "post", path, json={"tenant_id": project})["credential"]["access"]


@sample("identity.trust")
def a_trust():
    trust = {
        "trustor_user_id": mine.current_user_id,
        "trustee_user_id": mine.current_user_id,
        "project_id": project,
        "impersonation": False,
        "roles": [{"name": "member"}],
    }
    yield call(mine.identity, "post", "/OS-TRUST/trusts", json={"trust": trust})["trust"]["id"]


@sample("identity.limit")
def a_limit():
    service = next(one for one in operator.identity.services() if one.type == "compute")
    known = {"service_id": service.id, "resource_name": "life", "default_limit": 5}
    found = [one for one in operator.identity.registered_limits() if one.resource_name == "life"]
    if not found:
        call(operator.identity, "post", "/registered_limits", json={"registered_limits": [known]})
    limit = {"service_id": service.id, "resource_name": "life", "resource_limit": 7, "project_id": project}
    one = call(operator.identity, "post", "/limits", json={"limits": [limit]})["limits"][0]["id"]
    yield one
    call(operator.identity, "patch", f"/limits/{one}", json={"limit": {"resource_limit": 8}})


@sample("object.container")
def a_container():
    store = mine.object_store
    call(store, "put", "/life", headers={"X-Container-Meta-Colour": "blue"})
    call(store, "put", "/life/small", data=b"x" * 1000)
    call(store, "put", "/life/large", data=b"y" * 3_000_000)
    yield "life"
    call(store, "post", "/life", headers={"X-Container-Meta-Colour": "red"})
    assert store.get("/life/large").content == b"y" * 3_000_000


@sample("object.account")
def an_account():
    yield project
    call(mine.object_store, "post", "", headers={"X-Account-Meta-Colour": "green"})


def put_by_s3(path, body, extra):
    """Signs as AWS does (version 4), for what Swift has no word for."""
    pair = call(mine.identity, "post", f"/users/{mine.current_user_id}/credentials/OS-EC2", json={"tenant_id": project})["credential"]
    url = urllib.parse.urlsplit(mine.object_store.get_endpoint())
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/RegionOne/s3/aws4_request"
    headers = {"host": url.netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": now, **extra}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"PUT\n{path}\n\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("AWS4" + pair["secret"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={pair['access']}/{scope}, SignedHeaders={names}, Signature={signature}"
    tls = ssl.create_default_context(cafile=mine.config.get_requests_verify_args()[0])
    put = urllib.request.Request(f"{url.scheme}://{url.netloc}{path}", body, headers, method="PUT")
    with urllib.request.urlopen(put, context=tls) as answer:
        assert answer.status == 200


@sample("object.key")
def a_key():
    extra = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "secrets"}
    put_by_s3("/life/sealed", b"z" * 100_000, extra)
    yield "secrets"


@sample("compute.action")
def an_action():
    mine.compute.reboot_server(made["compute.server"], "HARD")
    mine.compute.wait_for_server(mine.compute.get_server(made["compute.server"]), wait=300)
    yield made["compute.server"]


for name, steps in samples:
    try:
        walk = steps()
        made[name] = next(walk)
        changed = next(walk, None) is None
    except Exception as error:  # says which, then goes down with the cause
        raise SystemExit(f"{name}: {type(error).__name__}: {error}") from error
    print(json.dumps({"class": name, "made": made[name], "changed": changed}), flush=True)
