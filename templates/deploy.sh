#!/bin/sh
# Deploys the release that this file is part of with the plain AWS CLI; it needs no toolkit.
#   aws s3 sync s3://BUCKET/releases/ID release && sh release/deploy.sh
# A stack that stands as the release has it is left alone, as the toolkit does.
set -eu
cd "$(dirname "$0")"

deploy() { # noun, stack, parameter file
  template=templates/$2.yaml # of a workload with secrets or policies
  [ -f "$template" ] || template=templates/$1.yaml
  aws cloudformation deploy --no-fail-on-empty-changeset --capabilities CAPABILITY_NAMED_IAM \
    --stack-name "$2" --template-file "$template" \
    --parameter-overrides "file://$3" --tags "file://stacks/$1/$2/tags.json"
}

output() { # stack, name of an output
  aws cloudformation describe-stacks --stack-name "$1" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
}

layer() { # noun
  for folder in stacks/"$1"/*/; do
    [ -d "$folder" ] || continue
    deploy "$1" "$(basename "$folder")" "${folder}parameters.json"
  done
}

layer platform
# What runs are judged by; a task definition names its row by the digest.
bucket=$(output "$(basename stacks/platform/*)" BucketName)
aws s3 cp --recursive --only-show-errors catalog "s3://$bucket/catalog"
# An alarm rings when the audit is missing: a first beat keeps it silent until the first audit.
for folder in stacks/workload/*-workload-audit/; do
  [ -d "$folder" ] || continue
  stack=$(basename "$folder")
  aws cloudwatch put-metric-data --namespace FargateToolkit --metric-name AuditsFinished \
    --dimensions "App=${stack%-workload-audit}" --value 1 --unit Count
done
layer workload

# A schedule names the revision of the task definition that its workload's stack has made by now.
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
filled=$(mktemp)
trap 'rm -f "$filled"' EXIT
for folder in stacks/schedule/*/; do
  [ -d "$folder" ] || continue
  workload=$(sed -n 's/.*TaskDefinitionArn=@\(.*\)@".*/\1/p' "${folder}parameters.json")
  arn=$(output "$workload" TaskDefinitionArn)
  edit="s|=@$workload@|=$arn|"
  # AWS takes no start that has passed; without one, a rate counts from the deployment.
  start=$(sed -n 's/.*"StartDate=\(.*\)".*/\1/p' "${folder}parameters.json")
  if [ -n "$start" ] && [ "$(printf '%s\n' "$start" "$now" | sort | head -n 1)" = "$start" ]; then
    echo "$(basename "$folder"): the start $start has passed and is left out" >&2
    edit="$edit;s|\"StartDate=.*\"|\"StartDate=\"|"
  fi
  sed "$edit" "${folder}parameters.json" > "$filled"
  deploy schedule "$(basename "$folder")" "$filled"
done
