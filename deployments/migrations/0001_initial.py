import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

# A change moves only along `Change.TRANSITIONS`: PostgreSQL itself refuses every other move.
CHECK_TRANSITIONS = """
CREATE FUNCTION deployments_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('canceled', 'clearing', 'failed', 'pinning', 'restoring', 'sending', 'succeeded'))
    OR (OLD.status = 'clearing' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'queued', 'restoring'))
    OR (OLD.status = 'pinning' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'sending'))
    OR (OLD.status = 'sending' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving', 'unclear'))
    OR (OLD.status = 'unclear' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving'))
    OR (OLD.status = 'accepted' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'serving'))
    OR (OLD.status = 'serving' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'succeeded'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'succeeded'))
    OR (OLD.status = 'needs_attention' AND NEW.status IN ('failed', 'queued', 'serving'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A change cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER change_transition_is_allowed BEFORE UPDATE OF status ON deployments_change
  FOR EACH ROW EXECUTE FUNCTION deployments_check_transition();
"""

DROP_CHECK = """
DROP TRIGGER change_transition_is_allowed ON deployments_change;
DROP FUNCTION deployments_check_transition();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ProviderStatus',
            fields=[
                ('provider', models.CharField(max_length=10, primary_key=True, serialize=False)),
                ('synced_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
                ('retry_at', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(db_default=0, default=0, help_text='In a row, since `first_failed_at`.')),
                ('first_failed_at', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField(null=True)),
                ('results', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ('lease_until', models.DateTimeField(help_text='Somebody is reading it now.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_id', models.CharField(max_length=80)),
                ('status', models.CharField(max_length=10)),
                ('raw_status', models.CharField(max_length=40)),
                ('production', models.BooleanField(default=True)),
                ('staged', models.BooleanField(default=False)),
                ('served', models.BooleanField(null=True)),
                ('can_roll_back', models.BooleanField(null=True)),
                ('commit_sha', models.CharField(blank=True, max_length=40)),
                ('commit_message', models.TextField(blank=True)),
                ('author', models.CharField(blank=True, max_length=120)),
                ('branch', models.CharField(blank=True, max_length=200)),
                ('pull_request', models.CharField(blank=True, max_length=20)),
                ('trigger', models.CharField(blank=True, max_length=40)),
                ('url', models.CharField(blank=True, max_length=500)),
                ('image', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('ready_at', models.DateTimeField(null=True)),
                ('live_since', models.DateTimeField(null=True)),
                ('live_until', models.DateTimeField(null=True)),
                ('live_seconds', models.PositiveBigIntegerField(default=0)),
                ('started_by', models.CharField(blank=True, max_length=120)),
                ('outside', models.BooleanField(default=False, help_text='A rollback that was not done through the portal.')),
                ('missing_since', models.DateTimeField(null=True)),
                ('restores', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.deployment')),
            ],
        ),
        migrations.CreateModel(
            name='Operation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('idempotency_key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('roll_back', 'roll back'), ('promote', 'promote'), ('leave', 'leave the rollback')], max_length=10)),
                ('reason', models.CharField(blank=True, choices=[('errors', 'Error rate up'), ('broken', 'Major feature broken'), ('security', 'Security vulnerability'), ('unstable', 'Unstable or unavailable')], max_length=10)),
                ('reason_detail', models.TextField(blank=True, help_text="The reason in the person's own words.")),
                ('incident', models.CharField(blank=True, max_length=100)),
                ('requested_by_name', models.CharField(max_length=200)),
                ('requested_by_role', models.CharField(max_length=40)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('plan', models.JSONField(default=dict)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='operations', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-requested_at'],
                'permissions': [('operate', 'Can roll back, promote and leave a rollback'), ('arrange', 'Can choose which services are followed, and how')],
            },
        ),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status_times', models.JSONField(default=dict, help_text='When each status was reached last.')),
                ('lease_owner', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(null=True)),
                ('published_at', models.DateTimeField(help_text='When the dispatcher published it last.', null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('cancel_requested_by', models.CharField(blank=True, max_length=200)),
                ('status', models.CharField(default='queued', max_length=16)),
                ('resends', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Orders sent again after a read-back: at most one.')),
                ('cancel_builds_first', models.BooleanField(db_default=False, default=False, help_text='First cancel the deployments that are being built.')),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='Calls that are known not to have been applied.')),
                ('order_intent_at', models.DateTimeField(help_text='When the intent to call the provider was committed.', null=True)),
                ('order_record', models.JSONField(default=dict, help_text="What was asked, to recognise the provider's answer by.")),
                ('provider_ref', models.CharField(blank=True, max_length=80)),
                ('provider_status', models.CharField(blank=True, max_length=80)),
                ('provider_request_id', models.CharField(blank=True, max_length=200)),
                ('auto_deploy_before', models.CharField(blank=True, max_length=20)),
                ('final_status', models.CharField(blank=True, help_text='How it ends once settings are restored.', max_length=16)),
                ('message', models.TextField(blank=True)),
                ('evidence', models.JSONField(default=dict)),
                ('provider_answered_at', models.DateTimeField(help_text='When the provider last answered about it.', null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('from_deployment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deployments.deployment')),
                ('to_deployment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deployments.deployment')),
                ('operation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='deployments.operation')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Service',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=120, unique=True)),
                ('provider', models.CharField(choices=[('render', 'Render'), ('vercel', 'Vercel')], max_length=10)),
                ('provider_id', models.CharField(max_length=80)),
                ('owner_id', models.CharField(blank=True, max_length=80)),
                ('name', models.CharField(max_length=120)),
                ('repository', models.CharField(blank=True, max_length=300)),
                ('branch', models.CharField(blank=True, max_length=200)),
                ('dashboard_url', models.CharField(blank=True, max_length=500)),
                ('suspended', models.BooleanField(default=False)),
                ('kind', models.CharField(choices=[('api', 'API'), ('web', 'Web')], max_length=3)),
                ('display_name', models.CharField(blank=True, max_length=60)),
                ('group', models.CharField(blank=True, max_length=60)),
                ('position', models.PositiveIntegerField(default=0)),
                ('followed', models.BooleanField(default=True)),
                ('customized', models.BooleanField(default=False, help_text='Somebody has chosen: discovery leaves the choice alone.')),
                ('addresses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), blank=True, default=list, size=None)),
                ('addresses_customized', models.BooleanField(default=False)),
                ('live_conflict', models.TextField(blank=True)),
                ('auto_deploy', models.CharField(blank=True, max_length=20)),
                ('pinned', models.BooleanField(help_text='What the provider says; null is unknown.', null=True)),
                ('synced_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
                ('missing_since', models.DateTimeField(null=True)),
                ('version_check_sha', models.CharField(blank=True, max_length=40)),
                ('version_check_agree', models.PositiveSmallIntegerField(default=0)),
                ('version_check_total', models.PositiveSmallIntegerField(default=0)),
                ('version_check_message', models.TextField(blank=True)),
                ('version_checked_at', models.DateTimeField(null=True)),
                ('live', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.deployment')),
            ],
        ),
        migrations.CreateModel(
            name='Pin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pinned_at', models.DateTimeField()),
                ('pinned_by', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('incident', models.CharField(blank=True, max_length=100)),
                ('auto_deploy_before', models.CharField(blank=True, max_length=20)),
                ('released_at', models.DateTimeField(null=True)),
                ('released_by', models.CharField(blank=True, max_length=200)),
                ('change', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deployments.change')),
                ('deployment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.deployment')),
                ('replaces', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deployments.pin')),
                ('rolled_back_from', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.deployment')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pins', to='deployments.service')),
            ],
            options={
                'ordering': ['-pinned_at'],
            },
        ),
        migrations.CreateModel(
            name='LivePeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='live_periods', to='deployments.deployment')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='live_periods', to='deployments.service')),
            ],
            options={
                'ordering': ['since', 'id'],
            },
        ),
        migrations.AddField(
            model_name='deployment',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deployments', to='deployments.service'),
        ),
        migrations.AddField(
            model_name='change',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='deployments.service'),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['roll_back', 'promote', 'leave'])), name='operation_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'leave'), ('reason__in', ['errors', 'broken', 'security', 'unstable']), _connector='OR'), name='operation_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='service',
            constraint=models.UniqueConstraint(fields=('provider', 'provider_id'), name='one_row_per_provider_service'),
        ),
        migrations.AddConstraint(
            model_name='service',
            constraint=models.CheckConstraint(condition=models.Q(('provider__in', ['render', 'vercel'])), name='service_provider_is_known'),
        ),
        migrations.AddConstraint(
            model_name='pin',
            constraint=models.UniqueConstraint(condition=models.Q(('released_at__isnull', True)), fields=('service',), name='one_standing_pin_per_service'),
        ),
        migrations.AddConstraint(
            model_name='liveperiod',
            constraint=models.UniqueConstraint(fields=('service', 'since'), name='one_beginning_at_a_time'),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(fields=['service', '-created_at', '-id'], name='deployments_service_4e3f81_idx'),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(condition=models.Q(('live_until__isnull', False)), fields=['service', '-live_until'], name='served_before'),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(fields=['service', 'status'], name='deployments_service_7f5627_idx'),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(fields=['commit_sha'], name='deployments_commit__d63715_idx'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.UniqueConstraint(fields=('service', 'provider_id'), name='one_row_per_provider_deployment'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(fields=['service', '-id'], name='deployments_service_f8a93a_idx'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('status__in', ('queued', 'clearing', 'pinning', 'sending', 'unclear', 'accepted', 'serving', 'restoring'))), fields=['status'], name='active_changes'),
        ),
        migrations.AddConstraint(
            model_name='change',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('queued', 'clearing', 'pinning', 'sending', 'unclear', 'accepted', 'serving', 'restoring'))), fields=('service',), name='one_active_change_per_service'),
        ),
        migrations.AddConstraint(
            model_name='change',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'clearing', 'pinning', 'sending', 'unclear', 'accepted', 'serving', 'restoring', 'succeeded', 'failed', 'canceled', 'needs_attention'])), name='change_status_is_known'),
        ),
        migrations.RunSQL(CHECK_TRANSITIONS, DROP_CHECK),
    ]
