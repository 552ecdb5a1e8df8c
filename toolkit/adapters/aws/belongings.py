"""What an app leaves outside its stacks: its bucket, and earlier revisions of task definitions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.errors import ToolkitError
from toolkit.core.stack import APP_TAG

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_s3 import S3Client

_NO_BUCKET = frozenset({"NoSuchBucket", "404"})


class Belongings:
    """The things of one app; revisions without its tag are not touched."""

    def __init__(self, aws: Aws, app: str) -> None:
        self._aws = aws
        self._app = app
        self._s3: S3Client = aws.client("s3")
        self._ecs: ECSClient = aws.client("ecs")

    def buckets(self, stack: str) -> list[str]:
        """The buckets that this stack of the app made, those of earlier deployments among them.

        CloudFormation names a bucket after its stack; the app's tag says whose it is.
        """
        prefix = f"{stack}-bucket-"
        with translated("the buckets of the account"):
            pages = self._s3.get_paginator("list_buckets").paginate(Prefix=prefix)
            names = [row["Name"] for page in pages for row in page.get("Buckets", ())]
            return [name for name in names if name.startswith(prefix) and self._is_tagged(name)]

    def _is_tagged(self, bucket: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            tags = self._s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"NoSuchTagSet", *_NO_BUCKET}:
                return False
            raise
        return {"Key": APP_TAG, "Value": self._app} in tags

    def delete_bucket(self, name: str) -> int:
        """Delete a bucket with every version of every object; returns how many versions.

        One that is gone already is no error: an interrupted deletion can be run again.
        """
        from botocore.exceptions import ClientError

        deleted = 0
        with translated(f"bucket {name}"):
            try:
                for objects in self._versions(name):
                    self._delete_objects(name, objects)
                    deleted += len(objects)
                self._s3.delete_bucket(Bucket=name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _NO_BUCKET:
                    raise
        return deleted

    def _delete_objects(self, bucket: str, objects: list[dict[str, str]]) -> None:
        given: Any = {"Objects": objects, "Quiet": True}
        failed = self._s3.delete_objects(Bucket=bucket, Delete=given).get("Errors")
        if failed:
            raise ToolkitError(f"s3://{bucket}/{failed[0].get('Key')}: {failed[0].get('Message')}")

    def _versions(self, bucket: str) -> Iterator[list[dict[str, str]]]:
        """Every version and delete marker, as many at a time as one call can delete."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for page in pages:
            rows: list[Any] = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if rows:
                yield [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]

    def revisions(self, family: str) -> list[str]:
        """The ARNs of the active revisions of a family that carry the app's tag."""
        with translated(f"task definitions of {family}"):
            return [arn for arn in self._active(family) if self._is_ours(arn)]

    def images(self) -> set[str]:
        """Every image that an active revision of the app's families names, ours or not.

        Raises:
            ToolkitError: a revision cannot be read.
        """
        with translated(f"task definitions of {self._app}"):
            families = self._ecs.get_paginator("list_task_definition_families").paginate(
                familyPrefix=f"{self._app}-", status="ACTIVE"
            )
            names = [name for page in families for name in page["families"]]
            arns = side_by_side(self._active, names)
            found = side_by_side(self._images, {arn for rows in arns for arn in rows})
        return {image for images in found for image in images}

    def _active(self, family: str) -> list[str]:
        pages = self._ecs.get_paginator("list_task_definitions").paginate(
            familyPrefix=family, status="ACTIVE"
        )
        return [arn for page in pages for arn in page["taskDefinitionArns"]]

    def _images(self, arn: str) -> list[str]:
        answer = self._ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return [row["image"] for row in answer["containerDefinitions"]]

    def deregister(self, arn: str) -> None:
        """Deregister one revision of a task definition."""
        with translated(f"task definition {arn}"):
            self._ecs.deregister_task_definition(taskDefinition=arn)

    def _is_ours(self, arn: str) -> bool:
        tags = self._ecs.list_tags_for_resource(resourceArn=arn)["tags"]
        return {"key": APP_TAG, "value": self._app} in tags
