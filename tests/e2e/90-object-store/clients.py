"""What only a program does: conditional writes, checksums, versions, locks, forms. Debian's boto3, unmodified."""

import base64, hashlib, os, urllib.parse, urllib.request, uuid, ssl, zlib
from datetime import datetime, timedelta, timezone

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

endpoint = os.environ["ENDPOINT"]
s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
bucket = "boto-" + uuid.uuid4().hex[:12]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, (code, error.response["Error"])
        return
    raise AssertionError(f"{code} expected")


# Buckets and objects
s3.create_bucket(Bucket=bucket)
assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
key = "año/☃ +&?#%/../x"
body = os.urandom(300_000)
put = s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"colour": "blue"}, ContentType="text/x-thing")
assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
got = s3.get_object(Bucket=bucket, Key=key)
assert got["Body"].read() == body and got["Metadata"] == {"colour": "blue"} and got["ContentType"] == "text/x-thing"
part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=100000-199999")
assert part["Body"].read() == body[100000:200000] and part["ContentRange"] == "bytes 100000-199999/300000"
refused("InvalidRange", s3.get_object, Bucket=bucket, Key=key, Range="bytes=300000-")
assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 300_000
refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="none")
refused("404", s3.head_object, Bucket=bucket, Key="none")
refused("NoSuchBucket", s3.list_objects_v2, Bucket=bucket + "x")
refused("BucketNotEmpty", s3.delete_bucket, Bucket=bucket)

# Conditions
refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key=key, IfMatch='"0"')
refused("304", s3.get_object, Bucket=bucket, Key=key, IfNoneMatch=put["ETag"])


def only_once(request, **_):
    if request.headers.get("x-amz-meta-once"):
        request.headers["If-None-Match"] = "*"


s3.meta.events.register("before-sign.s3.PutObject", only_once)
once = dict(Bucket=bucket, Key="once", Body=b"1", Metadata={"once": "1"})
s3.put_object(**once)
refused("PreconditionFailed", s3.put_object, **once)

# Listings
for name in ["a/1", "a/2", "b/1", "c"]:
    s3.put_object(Bucket=bucket, Key=f"list/{name}", Body=b"")
page = s3.list_objects_v2(Bucket=bucket, Prefix="list/", Delimiter="/")
assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["list/a/", "list/b/"]
assert [one["Key"] for one in page["Contents"]] == ["list/c"]
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="list/", PaginationConfig={"PageSize": 1})
assert [one["Key"] for page in pages for one in page["Contents"]] == ["list/a/1", "list/a/2", "list/b/1", "list/c"]
assert [one["Key"] for one in s3.list_objects(Bucket=bucket, Prefix="list/", Marker="list/a/2")["Contents"]] == ["list/b/1", "list/c"]

# Copies, tags
s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "copy"}, MetadataDirective="REPLACE", Metadata={"colour": "red"})
assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"colour": "red"}
s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "k", "Value": "v"}]

# Checksums
crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
s3.put_object(Bucket=bucket, Key="sum", Body=body, ChecksumAlgorithm="CRC32")
assert s3.head_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")["ChecksumCRC32"] == crc
wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
refused("BadDigest", s3.put_object, Bucket=bucket, Key="sum", Body=body, ChecksumSHA256=wrong)
refused("BadDigest", s3.put_object, Bucket=bucket, Key="sum", Body=body, ContentMD5=base64.b64encode(hashlib.md5(b"x").digest()).decode())

# Parts
upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
pieces = [os.urandom(5 * 2**20), os.urandom(6 * 2**20), os.urandom(1000)]
sent = [
    {"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=piece)["ETag"]}
    for number, piece in enumerate(pieces, 1)
]
copied = s3.upload_part_copy(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=4, CopySource={"Bucket": bucket, "Key": key}, CopySourceRange="bytes=10-99")
sent.append({"PartNumber": 4, "ETag": copied["CopyPartResult"]["ETag"]})
assert len(s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"]) == 4
assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1
refused("EntityTooSmall", s3.complete_multipart_upload, Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": sent})
s3.abort_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload)
refused("NoSuchUpload", s3.list_parts, Bucket=bucket, Key="parts", UploadId=upload)
upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
sent = [
    {"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=piece)["ETag"]}
    for number, piece in enumerate(pieces, 1)
]
refused("InvalidPartOrder", s3.complete_multipart_upload, Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": sent[::-1]})
done = s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": sent})
assert done["ETag"].endswith('-3"'), done["ETag"]
whole = b"".join(pieces)
assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == whole
assert s3.get_object(Bucket=bucket, Key="parts", PartNumber=2)["Body"].read() == pieces[1]
edge = 5 * 2**20
assert s3.get_object(Bucket=bucket, Key="parts", Range=f"bytes={edge - 3}-{edge + 3}")["Body"].read() == whole[edge - 3 : edge + 4]

# The customer's own key
own = os.urandom(32)
s3.put_object(Bucket=bucket, Key="own", Body=body, SSECustomerAlgorithm="AES256", SSECustomerKey=own)
assert s3.get_object(Bucket=bucket, Key="own", SSECustomerAlgorithm="AES256", SSECustomerKey=own)["Body"].read() == body
refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="own")
refused("AccessDenied", s3.get_object, Bucket=bucket, Key="own", SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32))

# Versions
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket=bucket, Key="v", Body=b"1")["VersionId"]
second = s3.put_object(Bucket=bucket, Key="v", Body=b"2")["VersionId"]
marker = s3.delete_object(Bucket=bucket, Key="v")
assert marker["DeleteMarker"]
refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="v")
assert s3.get_object(Bucket=bucket, Key="v", VersionId=first)["Body"].read() == b"1"
listed = s3.list_object_versions(Bucket=bucket, Prefix="v")
assert [one["VersionId"] for one in listed["Versions"]] == [second, first] and len(listed["DeleteMarkers"]) == 1
s3.delete_object(Bucket=bucket, Key="v", VersionId=marker["VersionId"])
assert s3.get_object(Bucket=bucket, Key="v")["Body"].read() == b"2"

# Locks
locked = bucket + "-lock"
s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
until = datetime.now(timezone.utc) + timedelta(days=1)
kept = s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until,
                     ContentMD5=base64.b64encode(hashlib.md5(b"x").digest()).decode())["VersionId"]
refused("AccessDenied", s3.delete_object, Bucket=locked, Key="k", VersionId=kept)
s3.put_object_legal_hold(Bucket=locked, Key="k", VersionId=kept, LegalHold={"Status": "ON"})
refused("AccessDenied", s3.delete_object, Bucket=locked, Key="k", VersionId=kept, BypassGovernanceRetention=True)
s3.put_object_legal_hold(Bucket=locked, Key="k", VersionId=kept, LegalHold={"Status": "OFF"})
s3.delete_object(Bucket=locked, Key="k", VersionId=kept, BypassGovernanceRetention=True)
s3.delete_bucket(Bucket=locked)

# Addresses and forms that need no key
tls = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
assert urllib.request.urlopen(address, context=tls).read() == body
try:
    urllib.request.urlopen(address.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), context=tls)
    raise AssertionError("a changed address was taken")
except urllib.error.HTTPError as error:
    assert error.code == 403
form = s3.generate_presigned_post(bucket, "form/${filename}", Conditions=[["starts-with", "$key", "form/"]])
boundary = uuid.uuid4().hex
lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form["fields"].items()]
lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="me.txt"\r\n\r\nhello\r\n--{boundary}--\r\n')
posted = urllib.request.Request(form["url"], "".join(lines).encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"})
assert urllib.request.urlopen(posted, context=tls).status == 204
assert s3.get_object(Bucket=bucket, Key="form/me.txt")["Body"].read() == b"hello"

# The end
for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
    gone = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": gone, "Quiet": True})
    assert not answer.get("Errors"), answer
s3.delete_bucket(Bucket=bucket)
print("all well")
