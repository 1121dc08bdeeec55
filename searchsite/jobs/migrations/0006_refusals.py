from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0005_lines'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='refusals',
            field=models.SmallIntegerField(db_default=0, default=0, verbose_name='times refused while others were taken'),
        ),
        migrations.AddField(
            model_name='job',
            name='refused_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last refused at'),
        ),
    ]
