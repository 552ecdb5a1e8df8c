"""How EventBridge sees a change; its ``detail`` is the stored document."""

SOURCE = "fargate-toolkit"
DETAIL_TYPE = "Schedule State Change"
