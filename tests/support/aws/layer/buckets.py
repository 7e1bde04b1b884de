"""`s3:ListBuckets` with pages and regions."""

import base64
from xml.sax.saxutils import escape

from moto.s3.models import s3_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .testbed import Testbed


def list_buckets(testbed: Testbed, request: Request, call: Call) -> Response:
    """Lists the caller's buckets by name. As on AWS, only requests with a parameter get pages and regions."""
    prefix = request.query_value("prefix")
    region = request.query_value("bucket-region")
    token = request.query_value("continuation-token")
    max_buckets = request.query_value("max-buckets")
    with testbed.moto.lock:
        buckets = sorted(s3_backends[call.account or ""][call.partition].buckets.values(), key=lambda bucket: bucket.name)
    buckets = [bucket for bucket in buckets if bucket.name.startswith(prefix or "")]
    buckets = [bucket for bucket in buckets if not region or bucket.region_name == region]
    if token:
        try:
            last_name = base64.b64decode(token, validate=True).decode()
        except ValueError:
            message = "The continuation token provided is incorrect"
            return error_response(request, call, 400, "InvalidArgument", message)
        buckets = [bucket for bucket in buckets if bucket.name > last_name]
    remaining = 0
    if max_buckets:
        size = min(int(max_buckets), testbed.page_size(call.account, "s3:ListBuckets"))
        remaining = len(buckets) - size
        buckets = buckets[:size]
    with_region = any(value is not None for value in (prefix, region, token, max_buckets))
    body = "".join(_bucket(bucket, with_region) for bucket in buckets)
    body = f"<Owner><ID>{call.account}</ID></Owner><Buckets>{body}</Buckets>"
    if remaining > 0:
        body += f"<ContinuationToken>{base64.b64encode(buckets[-1].name.encode()).decode()}</ContinuationToken>"
    if prefix is not None:
        body += f"<Prefix>{escape(prefix)}</Prefix>"
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    body = f'<ListAllMyBucketsResult xmlns="{namespace}">{body}</ListAllMyBucketsResult>'
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Response(200, [("Content-Type", "application/xml")], (declaration + body).encode())


def _bucket(bucket, with_region: bool) -> str:
    region = f"<BucketRegion>{bucket.region_name}</BucketRegion>" if with_region else ""
    created = bucket.creation_date_ISO8601
    return f"<Bucket><Name>{bucket.name}</Name><CreationDate>{created}</CreationDate>{region}</Bucket>"
