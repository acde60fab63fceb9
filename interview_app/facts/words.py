"""The words that `names` knows. Longer lists find more, never less; every word is in lower case."""

from __future__ import annotations

TOOLS = frozenset(
    """
    ansible angular airflow aws azure bigquery blender cassandra celery circleci clickhouse
    confluence cobol databricks datadog datev django docker dynamodb elasticsearch elixir
    erlang fastapi figma flask flink fortran gcp git github gitlab golang grafana graphql
    hadoop haskell hubspot javascript jenkins jira jupyter kafka keras kotlin kubernetes
    kubectl laravel linux matlab matplotlib miro mongodb mysql netlify nginx nodejs
    numpy oauth openai opencv openshift opentelemetry pandas photoshop podman postgres
    postgresql powerbi powershell powerpoint prometheus pytest python pytorch qlik rabbitmq
    redis redshift salesforce saml sap scala scikit-learn sentry servicenow sharepoint
    shopify snowflake splunk sql sqlite svelte tableau tensorflow terraform trello
    typescript vercel vmware vue webpack wordpress workday xcode zendesk zapier
    """.split()  # noqa: SIM905  (a list of so many quoted words cannot be read)
)

# Firms, places, and tools whose name is a word as well: only with a capital.
FIRMS = frozenset(
    """
    accenture adidas adobe airbnb airbus aldi allianz amazon apple atlassian audi basf bayer
    bmw boeing bosch capgemini cisco commerzbank continental daimler danone dell deloitte dhl
    disney ebay edeka ericsson excel facebook fedex ford fresenius gartner github google henkel
    hitachi honda huawei ibm ikea infosys intel kaufland kpmg lego lenovo lidl linkedin
    lufthansa mckinsey mercedes meta microsoft netflix nestlé nike nokia nvidia openai oracle
    otto outlook paypal pepsi pfizer philips porsche pwc rewe roche samsung sap siemens slack
    sony spotify starbucks stripe tchibo telekom tesla thyssenkrupp toyota twitter uber
    unilever unity vodafone volkswagen volvo vw walmart wirecard youtube zalando zoom harvard
    stanford oxford cambridge berlin hamburg münchen munich köln frankfurt stuttgart london
    paris wien vienna zürich zurich amsterdam madrid rome europe germany deutschland france
    england spain österreich schweiz switzerland
    """.split()  # noqa: SIM905
)

FIRST_WORDS = frozenset(
    """
    a about above according across actually additionally admittedly after afterwards again all
    along also although always among an and another any anyone anything apart around as aside
    at back based be because before behind being below beside besides best better between
    beyond both but by can could daily day days despite did do does done down due during each
    early either else even eventually ever every everybody everyone everything few finally
    first five followed for former four from further furthermore given good great had half has
    have having he hence her here his how however if in indeed initially inside instead into is
    it its itself just key knowing last late later least less let like looking made many maybe
    me meanwhile might mine more moreover most much my myself near neither never nevertheless
    new next no nobody none nor not note nothing now of off often on once one only onto or
    other others otherwise our ours out outside over overall own part people perhaps please
    plus possibly previously rather rest result results right same second seeing several she
    should similarly since six small so some somebody someone something sometimes soon still
    such ten than thanks that the their them then there thereby therefore these they third this
    those though three through throughout thus to today together tomorrow too two under unlike
    until up upon us very was we week weeks were what whatever when whenever where whereas
    wherever whether which while who whoever whom whose why will with within without would year
    years yes yesterday yet you your yours again situation task action result context lesson
    outcome goal problem step steps team management customers colleagues users clients everyone
    patients students parents work time quality success communication experience feedback i'm
    i've i'd i'll it's that's we'd we've there's
    """.split()  # noqa: SIM905
)

GERMAN_NOUNS = frozenset(
    """
    abfragen ablauf anfragen anrufen arbeit aufgabe aufgaben ausfall ausfällen bedarf beginn
    beschwerden besprechungen dienstantritt ende entscheidungen fehler fehlern fragen
    gelegenheit gesprächen jeder konflikten krankheit kunden kundinnen lieferung patienten
    planung problemen prüfung rückfragen schwierigkeiten start störungen streit team terminen
    übergabe übergaben unklarheiten veränderungen verspätung zeitdruck zweifel zweifeln
    anwohnern angehörigen gästen kollegen kolleginnen
    """.split()  # noqa: SIM905
)
